"""Decisions of the compiler that are taken out of its hands."""

from dataclasses import dataclass

import numpy as np

from apollo.compiler.tables import Form, Ints, Nest


@dataclass(frozen=True)
class Options:
    """What is fixed; None leaves it to the cost.

    Attributes:
        sparse: whether the nests that have masks are sparse.

    """

    sparse: bool | None = None

    def restrict(self, nests: Ints) -> Ints:
        """The table of nests with the choices that are left."""
        if self.sparse is None:
            return nests
        nests = nests.copy()
        form = nests[:, Nest.FORM]
        wanted = Form.SPARSE if self.sparse else Form.DENSE
        nests[:, Nest.FORM] = np.where(form == Form.EITHER, wanted, form)
        return nests


FREE = Options()
