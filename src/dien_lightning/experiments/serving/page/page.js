"use strict";

const at = (id) => document.getElementById(id);
let crop = null; // the file that is asked with
let most = Infinity; // bytes of a file
let latest = 0; // number of the newest search; answers to earlier ones come too late

function say(words, wrong = false) {
  at("said").textContent = words;
  at("said").className = wrong ? "wrong" : "";
}

function amount(number, one) {
  return `${number.toLocaleString("en")} ${one}${number === 1 ? "" : "s"}`;
}

async function call(path, options = {}) {
  const answer = await fetch(path, options);
  if (answer.ok) return answer.json();
  const text = await answer.text();
  let words = text;
  try { words = JSON.parse(text).error; } catch { /* a plain sentence */ }
  throw new Error(words);
}

function make(tag, properties, ...inside) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...inside);
  return made;
}

async function begin() {
  const about = await call("/about");
  const words = about.calibrated ? ["calibrated"] : ["not calibrated, so distances are not in words"];
  at("about").textContent = `${amount(about.images, "image")}, ${amount(about.cameras.length, "camera")}; network ` +
    `${about.fingerprint.slice(0, 12)}; ${(about.notes_on_words.length ? about.notes_on_words : words).join("; ")}.`;
  at("marks").textContent = about.marks;
  most = about.most_bytes;
  for (const name of about.cameras) {
    for (const id of ["camera", "query-camera"]) at(id).append(make("option", { value: name, textContent: name }));
  }
}

function choose(file) {
  if (!file) return;
  if (file.size > most) return say(`The file has more than ${most / 2 ** 20} MB; send one crop.`, true);
  if (crop) at("query-camera").value = ""; // it was the last crop's
  crop = file;
  at("query").src = URL.createObjectURL(file);
  at("query").alt = `the crop that is asked with: ${file.name}`;
  at("query").hidden = false;
  at("search").disabled = false;
  search();
}

async function search() {
  if (!crop) return;
  const turn = ++latest;
  const [after, before, camera] = ["after", "before", "query-camera"].map((id) => at(id).value);
  const same = at("keep").checked ? "keep" : "drop";
  const query = new URLSearchParams({ top: at("top").value, after, before, query_camera: camera, same_camera: same });
  for (const option of at("camera").selectedOptions) query.append("camera", option.value);
  const others = camera && same === "drop" ? "image from another camera" : "image";
  const nothing = `No ${others} ${after || before || query.has("camera") ? "passes the filters" : "is in the store"}.`;
  say("Searching …");
  at("hits").replaceChildren();
  try {
    const found = await call(`/search?${query}`, { method: "POST", body: crop });
    if (turn !== latest) return;
    at("hits").replaceChildren(...found.hits.map((hit, place) => card(found.query, hit, place)));
    say(found.hits.length ? `${amount(found.hits.length, "image")}, the nearest first.` : nothing);
  } catch (error) {
    if (turn === latest) say(error.message, true);
  }
}

function card(query, hit, place) {
  const distance = `${place + 1}. distance ${hit.distance.toFixed(3)}`;
  const about = [hit.camera === null ? "" : `camera ${hit.camera}`, hit.time ?? ""].filter(Boolean).join(", ");
  const li = make("li", { tabIndex: 0 },
    make("img", { src: `/image/${hit.number}`, alt: `${distance}, ${about}, ${hit.name}`, loading: "lazy" }),
    make("p", { textContent: distance }), make("p", { textContent: about }));
  if (hit.says) li.append(make("p", { className: "says", textContent: hit.says }));
  const buttons = [["yes", "Same person"], ["no", "Not the same person"]].map(([same, words]) => {
    const button = make("button", { type: "button", className: same, textContent: words });
    button.onclick = () => mark(li, query, hit.number, li.classList.contains(same) ? "none" : same);
    return button;
  });
  const why = make("button", { type: "button", className: "because", textContent: "Why?" });
  why.onclick = () => explain(li, query, hit.number);
  li.append(make("div", { className: "marks" }, ...buttons, why));
  show(li, hit.same);
  return li;
}

function show(li, same) {
  for (const name of ["yes", "no"]) {
    li.classList.toggle(name, name === same);
    li.querySelector(`button.${name}`).setAttribute("aria-pressed", String(name === same));
  }
}

async function mark(li, query, number, same) {
  try {
    await call(`/mark?${new URLSearchParams({ query, number, same })}`, { method: "POST" });
    show(li, same);
    say(same === "none" ? "Taken back." : `Kept: ${same === "yes" ? "the same person" : "not the same person"}.`);
  } catch (error) {
    say(error.message, true);
  }
}

async function explain(li, query, number) {
  const shown = li.querySelector(".why");
  if (shown) return shown.remove();
  const box = make("div", { className: "why" }); // at once, so that a second press takes it away
  li.append(box);
  try {
    const why = await call(`/why?${new URLSearchParams({ query, number })}`);
    why.query.forEach((each, i) => {
      for (const [whose, one] of [["crop", each], ["image", why.image[i]]]) {
        const words = `${whose}, ${one.title}`;
        box.append(make("figure", {}, make("img", { src: one.picture, alt: words }),
          make("figcaption", { textContent: words })));
      }
    });
    if (!why.query.length) box.append("This network has no attention (T = 0), so there is nothing to show.");
    else box.append(make("p", { textContent: "Red places were raised in that pass, blue ones lowered." }));
  } catch (error) {
    if (box.isConnected) say(error.message, true);
    box.remove();
  }
}

function move(step) {
  const cards = [...at("hits").children];
  const now = cards.indexOf(document.activeElement.closest("li"));
  const next = cards[Math.min(Math.max(now + step, 0), cards.length - 1)];
  if (next) next.focus();
}

document.addEventListener("keydown", (event) => {
  const typing = ["INPUT", "SELECT"].includes(event.target.tagName) && event.target.type !== "checkbox";
  if (typing || event.ctrlKey || event.altKey || event.metaKey) return;
  const li = event.target.closest("li");
  const press = (button) => li?.querySelector(button)?.click();
  const keys = {
    j: () => move(1), k: () => move(-1), u: () => at("file").click(), w: () => press(".because"),
    y: () => press("button.yes"), n: () => press("button.no"),
    c: () => press("[aria-pressed=true]"),
  };
  if (event.key in keys) { event.preventDefault(); keys[event.key](); }
});
at("drop").addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === " ") { event.preventDefault(); at("file").click(); }
});
for (const name of ["dragover", "dragleave", "drop"]) {
  at("drop").addEventListener(name, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", name === "dragover");
    if (name === "drop") choose(event.dataTransfer.files[0]);
  });
}
at("file").addEventListener("change", () => choose(at("file").files[0]));
at("ask").addEventListener("submit", (event) => { event.preventDefault(); search(); });
begin().catch((error) => say(error.message, true));
