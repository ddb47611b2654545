// The grid of refused records: moved through and edited with the keyboard alone; without this file it is a plain form.
const form = document.querySelector("form[data-correct]");

function fill(words, values) {
  return words.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

if (form) {
  const said = form.querySelector("[data-said]");
  const cells = [...form.querySelectorAll("td > input[data-field]")];
  const undone = [];
  let edits = false;
  let before = "";
  let keeping = Promise.resolve();

  const tell = (words) => (said.textContent = words);
  const rowOf = (cell) => cell.closest("tr");
  const inRow = (row) => [...row.querySelectorAll("td > input[data-field]")];
  const column = (cell) => cells.filter((other) => other.dataset.field === cell.dataset.field);
  const isWrong = (cell) => cell.hasAttribute("data-wrong") && cell.value === cell.dataset.was && !rowOf(cell).classList.contains("is-aside");

  // What was wrong is said where the eye is: in the bar that stays at the foot of the window.
  function explain(cell) {
    const why = cell.getAttribute("aria-description") || "";
    const was = cell.value === cell.dataset.was ? "" : fill(form.dataset.was, { was: cell.dataset.was });
    tell([why, was].filter(Boolean).join(" "));
  }

  function paint(cell) {
    cell.toggleAttribute("data-changed", cell.value !== cell.dataset.was);
    if (isWrong(cell)) cell.setAttribute("aria-invalid", "true");
    else cell.removeAttribute("aria-invalid");
  }

  function go(cell) {
    if (!cell) {
      // There is no such cell: what was typed in this one is kept all the same.
      if (cells.includes(document.activeElement)) settle(document.activeElement);
      return;
    }
    edits = false;
    cell.focus();
    cell.select();
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function step(cell, rows, columns) {
    const line = inRow(rowOf(cell));
    const at = line.indexOf(cell);
    if (columns) return go(line[at + columns]);
    const same = column(cell);
    return go(same[same.indexOf(cell) + rows]);
  }

  function nextWrong(cell, back) {
    const from = cells.indexOf(cell);
    const order = back
      ? [...cells.slice(0, Math.max(0, from)).reverse(), ...cells.slice(Math.max(0, from)).reverse()]
      : [...cells.slice(from + 1), ...cells.slice(0, from + 1)];
    const found = order.find((other) => isWrong(other));
    if (found) go(found);
    else tell(form.dataset.noMore);
  }

  // Drafts are kept in the order in which they were made, one request after another.
  function keep(pairs, more = {}) {
    const body = new URLSearchParams({ do: "keep", ...more });
    for (const [name, value] of pairs) body.append(name, value);
    keeping = keeping.then(() =>
      fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } })
        .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer)))
        .catch(() => tell(form.dataset.lost)),
    );
    return keeping;
  }

  function change(pairs, remembers = true) {
    const held = pairs.filter(([cell, value]) => cell.value !== value).map(([cell, value]) => [cell, cell.value, value]);
    for (const [cell, , value] of held) {
      cell.value = value;
      paint(cell);
    }
    if (!held.length) return 0;
    if (remembers) undone.push(held);
    keep(held.map(([cell, , value]) => [cell.name, value]));
    return held.length;
  }

  // What was typed is one step of undoing, and is kept when the cell is left.
  function settle(cell) {
    if (cell.value === before) return;
    undone.push([[cell, before, cell.value]]);
    before = cell.value;
    paint(cell);
    keep([[cell.name, cell.value]]);
  }

  function fillDown(cell) {
    settle(cell);
    const same = column(cell).filter((other) => other.dataset.was === cell.dataset.was && isWrong(other));
    const count = change(same.map((other) => [other, cell.value]));
    tell(fill(form.dataset.filled, { n: count }));
  }

  function undo() {
    const last = undone.pop();
    if (!last) return;
    change(last.map(([cell, was]) => [cell, was]), false);
    before = last[0][0].value;
    go(last[0][0]);
    tell(fill(form.dataset.undone, { n: last.length }));
  }

  async function replaceAll() {
    const field = form.elements.field.value;
    const found = form.elements.from.value.trim();
    const by = form.elements.to.value.trim();
    const answer = await keep([], { do: "replace", field, from: found, to: by });
    if (!answer || !answer.changes) return;
    const held = [];
    for (const [key, name] of answer.changes) {
      const cell = form.elements[`cell|${key}|${name}`];
      if (cell && cell.value !== by) {
        held.push([cell, cell.value, by]);
        cell.value = by;
        paint(cell);
      }
    }
    if (held.length) undone.push(held);
    tell(fill(form.dataset.replaced, { n: answer.changes.length }));
    nextWrong(held.length ? held[0][0] : cells[0], false);
    tell(fill(form.dataset.replaced, { n: answer.changes.length }));
  }

  function askReplace(cell) {
    form.elements.field.value = cell.dataset.field;
    form.elements.from.value = cell.dataset.was;
    form.elements.to.value = cell.value === cell.dataset.was ? "" : cell.value;
    form.elements.to.focus();
    form.elements.to.select();
  }

  function setAside(cell) {
    const box = rowOf(cell).querySelector("input[type=checkbox]");
    box.click();
  }

  async function send() {
    if (cells.includes(document.activeElement)) settle(document.activeElement);
    await keeping;
    // Only what says how to send goes with the form: the draft is kept already.
    for (const cell of cells) cell.disabled = true;
    for (const row of form.querySelectorAll("tr")) for (const mark of row.querySelectorAll("input[name^='shown|']")) mark.disabled = true;
    form.requestSubmit(form.querySelector("button[value=send]"));
  }

  function atEdge(cell, end) {
    const all = cell.selectionStart === 0 && cell.selectionEnd === cell.value.length;
    return !edits && (all || (end ? cell.selectionStart === cell.value.length : cell.selectionEnd === 0));
  }

  const PLAIN = {
    ArrowUp: (cell) => step(cell, -1, 0),
    ArrowDown: (cell) => step(cell, 1, 0),
    Enter: (cell, event) => step(cell, event.shiftKey ? -1 : 1, 0),
    F2: (cell) => {
      edits = true;
      cell.setSelectionRange(cell.value.length, cell.value.length);
    },
    Escape: (cell) => {
      cell.value = before;
      paint(cell);
      go(cell);
    },
    F8: (cell, event) => nextWrong(cell, event.shiftKey),
  };
  const WITH_CONTROL = {
    d: (cell) => fillDown(cell),
    h: (cell) => askReplace(cell),
    z: (cell) => (cell.value === before ? undo() : PLAIN.Escape(cell)),
    Delete: (cell) => setAside(cell),
  };

  form.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td > input[data-field]");
    const control = event.ctrlKey || event.metaKey;
    if (control && event.key === "Enter") {
      event.preventDefault();
      return send();
    }
    if (control && event.key === "z" && !cell) {
      event.preventDefault();
      return undo();
    }
    if (event.target.name === "to" || event.target.name === "from") {
      if (event.key === "Enter") {
        event.preventDefault();
        replaceAll();
      } else if (event.key === "Escape") nextWrong(cells[cells.length - 1], false);
      return undefined;
    }
    if (!cell || event.isComposing) return undefined;
    const act = control ? WITH_CONTROL[event.key] : PLAIN[event.key];
    if (act) {
      event.preventDefault();
      return act(cell, event);
    }
    if (!control && event.key === "ArrowLeft" && atEdge(cell, false)) {
      event.preventDefault();
      return step(cell, 0, -1);
    }
    if (!control && event.key === "ArrowRight" && atEdge(cell, true)) {
      event.preventDefault();
      return step(cell, 0, 1);
    }
    return undefined;
  });
  form.addEventListener("focusin", (event) => {
    const cell = event.target.closest("td > input[data-field]");
    if (!cell) return;
    before = cell.value;
    edits = false;
    cell.select();
    explain(cell);
  });
  form.addEventListener("input", (event) => {
    const cell = event.target.closest("td > input[data-field]");
    if (cell) paint(cell);
  });
  form.addEventListener("focusout", (event) => {
    const cell = event.target.closest("td > input[data-field]");
    if (cell) settle(cell);
  });
  form.addEventListener("change", (event) => {
    if (event.target.type !== "checkbox" || !event.target.name.startsWith("aside|")) return;
    const row = rowOf(event.target);
    row.classList.toggle("is-aside", event.target.checked);
    for (const cell of inRow(row)) paint(cell);
    const pairs = [[event.target.name.replace("aside|", "shown|"), "1"]];
    if (event.target.checked) pairs.push([event.target.name, "1"]);
    keep(pairs);
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter && event.submitter.value === "replace") {
      event.preventDefault();
      replaceAll();
    }
  });

  const kinds = document.querySelector("[data-kind]");
  kinds.addEventListener("change", () => keeping.then(() => kinds.form.requestSubmit()));
  document.addEventListener("keydown", (event) => {
    if (event.key === "F7") {
      event.preventDefault();
      kinds.focus();
    } else if (event.key === "F8" && !form.contains(event.target)) {
      event.preventDefault();
      nextWrong(cells[cells.length - 1], false);
    }
  });
  go(cells.find((cell) => isWrong(cell)) || cells[0]);
}
