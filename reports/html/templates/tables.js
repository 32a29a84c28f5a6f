"use strict";
// Claims by verdict; tables that sort by a column and show chosen rows and columns.
for (const chip of document.querySelectorAll(".chip")) {
  const apply = () => {
    const shown = chip.getAttribute("aria-pressed") === "true";
    for (const claim of document.querySelectorAll(`.claim[data-verdict="${chip.dataset.verdict}"]`)) {
      claim.hidden = !shown;
    }
  };
  chip.addEventListener("click", () => {
    chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
    apply();
  });
  apply();
}

function sortRows(body, place, descending) {
  const key = (row) => {
    const cell = row.children[place];
    if (place === 0) return cell.textContent;
    return "value" in cell.dataset ? Number(cell.dataset.value) : null;
  };
  const sign = descending ? -1 : 1;
  const rows = [...body.rows].sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === null || y === null) return (x === null) - (y === null);
    return sign * (typeof x === "string" ? x.localeCompare(y) : x - y);
  });
  body.append(...rows);
}

function makeSortable(table) {
  const body = table.tBodies[0];
  // The first heading spans both rows, the others stand in the second.
  const headings = [table.tHead.rows[0].cells[0], ...table.tHead.rows[1].cells];
  headings.forEach((heading, place) => {
    heading.querySelector("button").addEventListener("click", () => {
      const text = heading.textContent;
      const first = text.includes("↑") ? "descending" : "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = heading.getAttribute("aria-sort") === first ? other : first;
      for (const each of headings) each.removeAttribute("aria-sort");
      for (const cell of table.querySelectorAll(".sorted")) cell.classList.remove("sorted");
      heading.setAttribute("aria-sort", order);
      sortRows(body, place, order === "descending");
      if (place > 0) for (const row of body.rows) row.children[place].classList.add("sorted");
    });
  });
}

function makeFilters(part) {
  const status = part.querySelector(".status");
  const [search, rows] = [part.querySelector(".search"), part.querySelector("tbody").rows];
  const chosen = (name) =>
    new Set([...part.querySelectorAll(`input.${name}:checked`)].map((box) => box.value));
  const apply = () => {
    const [kinds, columns, text] = [chosen("kind"), chosen("columns"), search.value.toLowerCase()];
    let shown = 0;
    for (const row of rows) {
      row.hidden =
        !kinds.has(row.dataset.kind) || !row.cells[0].textContent.toLowerCase().includes(text);
      shown += !row.hidden;
    }
    for (const cell of part.querySelectorAll("table [data-group]")) {
      cell.hidden = cell.dataset.group !== "" && !columns.has(cell.dataset.group);
    }
    part.classList.toggle("plain", part.querySelector(".intervals")?.checked === false);
    status.textContent = `${shown} of ${rows.length} rows`;
  };
  part.querySelector(".controls").addEventListener("input", apply);
  apply();
}

for (const part of document.querySelectorAll(".sortable")) {
  makeSortable(part.querySelector("table"));
  if (part.querySelector(".search")) makeFilters(part);
}
