// The picture itself: a box for each node, a curve for each edge, and which of them stand out.

const world = byId("world");
const boxes = [];   // by node number; absent where an external is not shown
const MANY = 200;
let curves = [];    // {element, start, end}
let extent = { width: 1, height: 1 };

/** Draw what a layout placed, in place of what was there. */
function drawPicture(layout) {
  boxes.length = 0;
  curves = Object.entries(layout.curves).map(([name, path]) => {
    const [start, end] = name.split(" ").map(Number);
    const outside = nodes[start].isImage ? "" : " outside";
    return { element: draw("path", { class: `edge${outside}`, d: path }), start, end };
  });
  layout.places.forEach((place, at) => {
    nodes[at].place = place;
    boxes[at] = box(nodes[at]);
  });
  extent = {
    width: Math.max(1, ...layout.places.map((place, at) => place[0] + nodes[at].width)),
    height: Math.max(1, ...layout.places.map((place) => place[1] + data.boxHeight)),
  };
  const blocks = layout.blocks.map(([x, y, width, height]) => draw("rect", { class: "block", x, y, width, height, rx: 9 }));
  if (boxes.length > MANY) world.classList.add("far"); // no text is shaped for the first look; the view knows better soon
  world.replaceChildren(...blocks, ...curves.map((curve) => curve.element), ...boxes.filter(Boolean));
}

function box(node) {
  const own = node.own ? " own" : "";
  const mark = sign(node.action, node.own);
  mark.setAttribute("transform", `translate(${node.width - 14} ${data.boxHeight / 2})`);
  return draw("g", {
    class: `node kind-${node.kind} action-${node.action}${own}`,
    transform: `translate(${node.place[0]} ${node.place[1]})`,
    "data-node": node.at, role: "button", tabindex: -1, "aria-label": spokenName(node),
  },
  draw("title", {}, spokenName(node)),
  draw("rect", { class: "box", width: node.width, height: data.boxHeight, rx: 6 }),
  draw("rect", { class: "stripe", x: 6, y: 8, width: 4, height: data.boxHeight - 16, rx: 2 }),
  draw("text", { x: 18, y: data.boxHeight / 2 + 4.2 }, shown(node.text)),
  mark);
}

/** Let a selected node stand out with all that it reads (up) and all that reads it (down). */
function highlight(selected) {
  const up = selected === null ? new Set() : reached(selected, "sources");
  const down = selected === null ? new Set() : reached(selected, "readers");
  boxes.forEach((element, at) => {
    element.classList.toggle("selected", at === selected);
    element.classList.toggle("up", up.has(at));
    element.classList.toggle("down", down.has(at));
    element.setAttribute("tabindex", at === selected ? 0 : -1);
  });
  for (const { element, start, end } of curves) {
    element.classList.toggle("up", end === selected || up.has(end));
    element.classList.toggle("down", start === selected || down.has(start));
  }
  choose(selected === null ? null : new Set([selected, ...up, ...down]));
}

/** Dim all nodes but these; null dims none. */
function choose(chosen) {
  world.classList.toggle("choosing", chosen !== null);
  boxes.forEach((element, at) => element.classList.toggle("chosen", chosen !== null && chosen.has(at)));
}

/** What colours and signs mean, as far as they occur. */
function drawLegend() {
  const items = [];
  for (const kind of ["base", "cuda", "derived"]) {
    if (images.some((image) => image.kind === kind)) items.push([make("span", { class: `dot ${kind}` }), kind]);
  }
  const marks = [
    ["build", true, "changed: builds"], ["build", false, "builds after a parent"],
    ["reuse", false, "reused"], ["unknown", false, "not planned"],
  ];
  for (const [action, own, text] of marks) {
    const some = images.some((image) => image.action === action && (action !== "build" || image.own === own));
    if (some) items.push([smallSign(action, own), text]);
  }
  byId("legend").replaceChildren(...items.map((item) => make("li", {}, ...item)));
}
