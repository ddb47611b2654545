// Sends a file with its progress shown and a way to stop; without this file the form posts as any form does.
function fill(words, percent) {
  return words.replace("{percent}", percent);
}

function send(form) {
  const request = new XMLHttpRequest();
  const stop = form.querySelector("[data-stop]");
  const progress = form.querySelector("[data-progress]");
  const said = form.querySelector("[data-progress-said]");
  const bar = progress.querySelector("progress");
  const end = (words) => {
    said.textContent = words;
    stop.hidden = true;
    form.removeAttribute("aria-busy");
  };

  progress.hidden = false;
  stop.hidden = false;
  form.setAttribute("aria-busy", "true");
  stop.onclick = () => request.abort();
  request.upload.addEventListener("progress", (event) => {
    const percent = Math.round((100 * event.loaded) / event.total);
    bar.value = percent;
    said.textContent = percent < 100 ? fill(form.dataset.sending, percent) : form.dataset.checking;
    if (percent === 100) bar.removeAttribute("value");
  });
  request.addEventListener("load", () => {
    if (request.responseURL && request.status < 400) return location.assign(request.responseURL);
    const answer = new DOMParser().parseFromString(request.responseText, "text/html");
    document.querySelector("main").replaceWith(answer.querySelector("main"));
    document.querySelector("main").focus();
  });
  request.addEventListener("error", () => end(form.dataset.failed));
  request.addEventListener("abort", () => end(form.dataset.stopped));
  request.open("POST", form.action);
  request.send(new FormData(form));
}

for (const form of document.querySelectorAll("form[data-upload]")) {
  const file = form.querySelector("input[type=file]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("is-over");
  });
  form.addEventListener("dragleave", () => form.classList.remove("is-over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("is-over");
    if (event.dataTransfer.files.length) file.files = event.dataTransfer.files;
  });
}
