"use strict";
// Unpacks figures and plotly.js, then fills the slots of every section with the views selected.
(async () => {
  const unpack = async (id) => {
    const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };
  const element = (tag, kind, text) => {
    const made = document.createElement(tag);
    if (kind) made.className = kind;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // Numbers: whole ones with thousands, others with four digits; a file has all digits.
  const shown = (cell) => {
    if (cell === null) return "";
    if (typeof cell !== "number") return String(cell);
    if (Number.isInteger(cell)) return cell.toLocaleString("en");
    const size = Math.abs(cell);
    if (size !== 0 && (size < 1e-3 || size >= 1e9)) return cell.toExponential(3);
    return cell.toLocaleString("en", size >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 4 });
  };
  const quoted = (cell) => {
    const text = cell === null ? "" : String(cell);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const csvOf = (table) => [table.columns, ...table.rows].map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";

  const linkTo = (table) => {
    const link = element("a", "csv", "CSV");
    link.href = "data:text/csv;charset=utf-8," + encodeURIComponent(csvOf(table));
    link.download = `${table.file}.csv`;
    link.title = `Save as ${link.download}`;
    return link;
  };
  const tableOf = (table) => {
    const isWords = table.columns.map((_, at) => {
      const cells = table.rows.map((row) => row[at]).filter((cell) => cell !== null);
      return cells.filter((cell) => typeof cell === "string").length > cells.length / 2;
    });
    const cell = (tag, at, value) => {
      const made = element(tag, isWords[at] ? "words" : "", tag === "th" ? value : shown(value));
      if (tag === "td" && String(value).length > 40) made.classList.add("long");
      return made;
    };
    const line = (tag, row) => {
      const made = element("tr");
      made.append(...row.map((value, at) => cell(tag, at, value)));
      return made;
    };
    const made = element("table"), head = element("thead"), body = element("tbody");
    head.append(line("th", table.columns));
    body.append(...table.rows.map((row) => line("td", row)));
    made.append(head, body);
    const rows = element("div", "rows");
    rows.tabIndex = 0;
    rows.append(made);
    return rows;
  };

  const draw = async (slot, place, view) => {
    const link = place.querySelector("a.csv"), body = place.querySelector(".body");
    if (link) link.remove();
    if (!view || !view.figure) {
      const plot = body.querySelector(".plot");
      if (plot) Plotly.purge(plot);
      if (view && view.table) {
        body.replaceChildren(tableOf(view.table));
        place.querySelector(".head").append(linkTo(view.table));
      } else {
        body.replaceChildren(element("p", "message", view ? view.text : "There is nothing to show."));
      }
      return;
    }
    let plot = body.querySelector(".plot");
    if (!plot) {
      plot = element("div", "plot");
      const scroll = element("div", slot.wide ? "scroll wide" : "scroll");
      scroll.append(plot);
      body.replaceChildren(scroll);
    }
    const layout = { ...structuredClone(view.figure.layout), template: report.template };
    // A legend takes a line an entry on a narrow screen, and the figure should not lose them.
    const entries = view.figure.data.filter((trace) => trace.name).length;
    if (plot.clientWidth < 520) layout.height += 18 * Math.max(0, entries - 2);
    plot.style.height = `${layout.height}px`;
    await Plotly.react(plot, view.figure.data, layout, {
      responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"],
    });
  };

  const fill = async (section) => {
    const home = document.getElementById(section.key);
    const selectors = home.querySelector(".selectors"), slots = home.querySelector(".slots");
    const chosen = section.selectors.map((selector) => selector.selected);
    const places = section.slots.map((slot) => {
      const place = element("div", slot.half ? "slot half" : "slot"), head = element("div", "head");
      head.append(element("h3", "", slot.title));
      place.append(head);
      if (slot.note) place.append(element("p", "note", slot.note));
      place.append(element("div", "body"));
      slots.append(place);
      return place;
    });
    const show = async () => {
      for (const [at, slot] of section.slots.entries()) {
        const view = slot.views[chosen.join(",")] ?? slot.views[""];
        await draw(slot, places[at], view);
      }
    };
    section.selectors.forEach((selector, at) => {
      if (selector.options.length < 2) return;
      const label = element("label", "", selector.label), select = element("select");
      select.append(...selector.options.map((option, number) => new Option(option, number)));
      select.value = selector.selected;
      select.addEventListener("change", () => { chosen[at] = Number(select.value); show(); });
      label.append(select);
      selectors.append(label);
    });
    await show();
  };

  const follow = () => {
    const links = new Map([...document.querySelectorAll("nav .links a")].map((a) => [a.hash.slice(1), a]));
    const watch = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        links.forEach((a) => a.classList.remove("here"));
        const link = links.get(entry.target.id), row = link.parentElement;
        link.classList.add("here");
        row.scrollTo({ left: link.offsetLeft - row.offsetLeft - 20, behavior: "smooth" });
      }
    }, { rootMargin: "-10% 0px -80% 0px" });
    document.querySelectorAll("main > section").forEach((section) => watch.observe(section));
  };

  if (!("DecompressionStream" in window)) {
    document.querySelector("header").append(
      element("p", "message", "Figures need a browser of 2023 or later: this one cannot unpack them."));
    return;
  }
  const report = JSON.parse(await unpack("report-data"));
  const code = element("script");
  code.textContent = await unpack("plotly-code");
  document.head.append(code);
  for (const section of report.sections) await fill(section);
  follow();
  document.body.dataset.state = "drawn";
})();
