// Taking a call: while the note is typed, what is judged of it appears beside it; Ctrl+Enter sends.
const form = document.querySelector("[data-call]");
let latest = 0;
let waits = 0;

form.querySelector("[data-judge]").hidden = true;

async function judge() {
  const mine = ++latest;
  const said = new URLSearchParams(new FormData(form));
  if (!said.get("text").trim()) return;
  said.set("do", "judge");
  const answer = await fetch(form.action, { method: "POST", body: said });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("judged");
  if (mine === latest && fresh) document.getElementById("judged").replaceWith(document.adoptNode(fresh));
}

form.addEventListener("input", () => {
  clearTimeout(waits);
  waits = setTimeout(judge, 350);
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit(form.querySelector("[value=send]"));
  }
});
form.querySelector("textarea").focus();
