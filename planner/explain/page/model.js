// What the page knows: images, externals and who reads whom; and how text and elements are made.
// Every text of the document reaches the page through `shown` and text nodes, never as markup.

const data = JSON.parse(document.getElementById("data").textContent);
const images = data.images;
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

// Images come first; an external has the number that follows. `node` answers for both.
const nodes = [
  ...images.map((image, at) => ({ ...image, at: at, place: image.at, isImage: true })),
  ...data.externals.map((external, at) => ({
    name: external.name, text: external.text, width: external.width, kind: "external", action: "external",
    at: images.length + at, parents: [], externals: [], isImage: false,
  })),
];
for (const node of nodes) {
  node.sources = [...node.parents, ...node.externals.map((at) => images.length + at)];
  node.readers = [];
}
for (const node of nodes) for (const source of node.sources) nodes[source].readers.push(node.at);

const ACTIONS = { build: "to build", reuse: "reused", unknown: "not planned", external: "external" };
const KINDS = { base: "base image", cuda: "CUDA image", derived: "derived image", external: "external image" };

/** The numbers of all nodes that a step ("sources" or "readers") reaches, the start left out. */
function reached(start, step) {
  const seen = new Set();
  const waiting = [...nodes[start][step]];
  while (waiting.length) {
    const at = waiting.pop();
    if (!seen.has(at)) {
      seen.add(at);
      waiting.push(...nodes[at][step]);
    }
  }
  return seen;
}

/** Untrusted text with everything that would not be seen, or would reorder what is seen, written out. */
function shown(text) {
  return String(text).replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\u2028\u2029\u115f\u1160\u3164\uffa0]/gu, (letter) =>
    letter === "\n" ? "↵\n" : `\\u{${letter.codePointAt(0).toString(16)}}`);
}

/** An element with attributes and children; a string becomes a text node. `on…` attributes are listeners. */
function make(tag, attributes = {}, ...children) {
  return build(document.createElement(tag), attributes, children);
}

/** The same for the elements of a picture. */
function draw(tag, attributes = {}, ...children) {
  return build(document.createElementNS(SVG, tag), attributes, children);
}

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Text in its own direction, so that it does not reorder what stands beside it. */
const isolated = (text) => make("bdi", {}, shown(text));

/** The sign of what is done with an image, as it stands in boxes, lists and the legend. */
function sign(action, own) {
  if (action === "build") return draw("circle", { class: `mark build${own ? " own" : ""}`, r: 4 });
  if (action === "reuse") return draw("path", { class: "mark", d: "M-4 0l3 3l6 -6.5" });
  if (action === "unknown") return draw("path", { class: "mark", d: "M-2 -3q2 -3 4 0q0 2 -2 3v1M0 4.4v.1" });
  return draw("g");
}

const smallSign = (action, own) =>
  draw("svg", { class: "sign", viewBox: "-6 -6 12 12", "aria-hidden": "true" }, sign(action, own));

/** What assistive technology says of a node. */
function spokenName(node) {
  const said = node.isImage && node.action === "build" && !node.own ? "to build after a parent" : ACTIONS[node.action];
  return node.isImage ? `${shown(node.name)}, ${KINDS[node.kind]}, ${said}` : `${shown(node.name)}, ${KINDS.external}`;
}

const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
