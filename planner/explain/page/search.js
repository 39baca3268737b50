// The list of images and the search over it: every word must occur in what an image is called, is, or is made of.

const search = byId("search");
const list = byId("list");
const entries = images.map((image, at) => make("li", {},
  make("button", { type: "button", title: shown(image.name), onclick: () => select(at, true) },
    make("span", { class: `dot ${image.kind}` }),
    make("span", {}, isolated(image.name)),
    make("span", { class: "unseen" }, `, ${KINDS[image.kind]}, ${ACTIONS[image.action]}`),
    smallSign(image.action, image.own))));
const words = images.map((image) => [
  image.name, image.label, image.kind, image.action, image.dockerfile, image.target, ...image.tags,
  ...image.externals.map((at) => data.externals[at].name),
].join("\n").toLowerCase());

list.append(...entries);

/** The images that the search finds, all without any words. */
function found() {
  const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  return images.flatMap((_, at) => wanted.every((word) => words[at].includes(word)) ? [at] : []);
}

function filter() {
  const matches = new Set(found());
  entries.forEach((entry, at) => { entry.hidden = !matches.has(at); });
  const searching = search.value.trim() !== "";
  byId("found").textContent = searching ? `${matches.size} of ${plural(images.length, "image")}` : plural(images.length, "image");
  if (state.selected === null) choose(searching ? matches : null);
}

function markEntry(selected) {
  entries.forEach((entry, at) => {
    const button = entry.firstElementChild;
    if (at === selected) {
      button.setAttribute("aria-current", "true");
      entry.scrollIntoView({ block: "nearest" });
    } else {
      button.removeAttribute("aria-current");
    }
  });
}

search.addEventListener("input", () => {
  if (state.selected !== null) select(null);
  filter();
});
search.addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    const first = found()[0];
    if (first !== undefined) select(first, true, true);
  } else if (event.key === "Escape") {
    clearSearch();
    picture.focus();
    event.stopPropagation();
  } else if (event.key === "ArrowDown") {
    entries.find((entry) => !entry.hidden)?.firstElementChild.focus();
    event.preventDefault();
  }
});

function clearSearch() {
  search.value = "";
  filter();
}
