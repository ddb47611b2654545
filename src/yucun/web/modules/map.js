// The schematic map as one stop of the tab key: arrows walk to the nearest cell that way, the line below reads it out.
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function nearest(cells, from, [across, down]) {
  const x = Number(from.dataset.x);
  const y = Number(from.dataset.y);
  let best = null;
  let least = Infinity;
  for (const cell of cells) {
    const along = (cell.dataset.x - x) * across + (cell.dataset.y - y) * down;
    const aside = Math.abs((cell.dataset.x - x) * down) + Math.abs((cell.dataset.y - y) * across);
    if (along > 1 && along + 2.5 * aside < least) {
      least = along + 2.5 * aside;
      best = cell;
    }
  }
  return best;
}

function walk(figure) {
  const cells = [...figure.querySelectorAll(".cell")];
  const readout = figure.querySelector("[data-readout]");
  const read = (cell) => {
    readout.textContent = cell ? cell.dataset.said : readout.dataset.hint;
  };
  const land = (cell) => {
    for (const other of cells) other.setAttribute("tabindex", other === cell ? "0" : "-1");
  };
  land(cells.find((cell) => cell.classList.contains("is-here")) ?? cells[0]);
  for (const cell of cells) {
    cell.addEventListener("pointerenter", () => read(cell));
    cell.addEventListener("pointerleave", () => read(null));
    cell.addEventListener("focus", () => {
      land(cell);
      read(cell);
    });
    cell.addEventListener("keydown", (event) => {
      const step = STEPS[event.key];
      const next = step && nearest(cells, cell, step);
      if (!next) return;
      event.preventDefault();
      next.focus();
    });
  }
}

export function walkMaps(page) {
  for (const figure of page.querySelectorAll("[data-map]")) walk(figure);
}
