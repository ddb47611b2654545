// The tree by keyboard: up and down walk, right unfolds, left folds or goes to the task above; all of it at once by two buttons.
function heads(tree) {
  return [...tree.querySelectorAll("summary")].filter((head) => head.checkVisibility());
}

function walk(event) {
  const head = event.target.closest("summary");
  const tree = event.target.closest("[data-tree]");
  if (!head || !tree || event.altKey || event.ctrlKey || event.metaKey) return;
  const all = heads(tree);
  const at = all.indexOf(head);
  const task = head.parentElement;
  const moves = {
    ArrowDown: () => all[at + 1]?.focus(),
    ArrowUp: () => all[at - 1]?.focus(),
    Home: () => all[0].focus(),
    End: () => all.at(-1).focus(),
    ArrowRight: () => (task.open ? all[at + 1]?.focus() : (task.open = true)),
    ArrowLeft: () => {
      if (task.open) task.open = false;
      else task.parentElement.closest("details")?.querySelector("summary").focus();
    },
  };
  if (!moves[event.key]) return;
  event.preventDefault();
  moves[event.key]();
}

document.addEventListener("keydown", walk);
for (const button of document.querySelectorAll("[data-fold]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    for (const task of document.querySelectorAll("[data-task]")) task.open = button.dataset.fold === "open";
  });
}
// Paper cannot be unfolded.
let folded = [];
window.addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("[data-task]:not([open])")];
  for (const task of folded) task.open = true;
});
window.addEventListener("afterprint", () => {
  for (const task of folded) task.open = false;
});
