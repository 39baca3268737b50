// How the picture is looked at: pan and zoom by mouse, wheel, touch and keys, within one frame each.

const picture = byId("picture");
const view = { x: 0, y: 0, scale: 1, isWhole: true }; // isWhole: nobody moved it since all was shown
const CLOSEST = 2.5;
const FAR = 0.4; // below this, names cannot be read and are left out
const EDGE = 32;
let pending = false;
let onPaper = false;

function show() {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => {
    pending = false;
    if (onPaper) return;
    world.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`);
    world.classList.toggle("far", view.scale < FAR);
  });
}

const farthest = () => Math.min(0.5, whole().scale);

function whole() {
  const { width, height } = picture.getBoundingClientRect();
  const scale = Math.min(1.25, (width - 2 * EDGE) / extent.width, (height - 2 * EDGE - 24) / extent.height);
  return { scale, x: (width - extent.width * scale) / 2, y: (height - 24 - extent.height * scale) / 2 };
}

/** Show all of the picture. */
function fit() {
  Object.assign(view, whole(), { isWhole: true });
  show();
}

/** Zoom by a factor around a point of the picture, its middle without one. */
function zoom(factor, x = picture.clientWidth / 2, y = picture.clientHeight / 2) {
  const scale = Math.min(CLOSEST, Math.max(farthest(), view.scale * factor));
  view.x = x - (x - view.x) * scale / view.scale;
  view.y = y - (y - view.y) * scale / view.scale;
  view.scale = scale;
  view.isWhole = false;
  show();
}

function pan(x, y) {
  view.x += x;
  view.y += y;
  view.isWhole = false;
  show();
}

/** Bring a node into view, close enough to read it. */
function bring(at) {
  const node = nodes[at];
  const { width, height } = picture.getBoundingClientRect();
  const x = view.x + node.place[0] * view.scale;
  const y = view.y + node.place[1] * view.scale;
  const inside = x > EDGE && y > EDGE && x + node.width * view.scale < width - EDGE &&
    y + data.boxHeight * view.scale < height - 2 * EDGE;
  if (inside && view.scale >= FAR) return;
  view.scale = Math.max(view.scale, 0.9);
  view.x = width / 2 - (node.place[0] + node.width / 2) * view.scale;
  view.y = height / 2 - (node.place[1] + data.boxHeight / 2) * view.scale;
  view.isWhole = false;
  show();
}

// A panel that opens takes room: all stays in view where all was, and so does the selected node.
new ResizeObserver(() => {
  if (view.isWhole) fit();
  else if (state.selected !== null) bring(state.selected);
}).observe(picture);

picture.addEventListener("wheel", (event) => {
  event.preventDefault();
  const unit = event.deltaMode === 1 ? 20 : 1;
  const { left, top } = picture.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY * unit * (event.ctrlKey ? 0.01 : 0.0016)), event.clientX - left, event.clientY - top);
}, { passive: false });

const fingers = new Map();
let travelled = 0; // pixels since the pointer went down: a click is no drag

picture.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
  travelled = 0;
});
picture.addEventListener("pointermove", (event) => {
  const from = fingers.get(event.pointerId);
  if (!from) return;
  const to = [event.clientX, event.clientY];
  const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
  if (other) {
    const { left, top } = picture.getBoundingClientRect();
    const apart = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]) || 1;
    zoom(apart(to) / apart(from), (to[0] + other[0]) / 2 - left, (to[1] + other[1]) / 2 - top);
  } else {
    pan(to[0] - from[0], to[1] - from[1]);
  }
  travelled += Math.abs(to[0] - from[0]) + Math.abs(to[1] - from[1]);
  fingers.set(event.pointerId, to);
  if (travelled > 4) {
    picture.classList.add("moving");
    if (!picture.hasPointerCapture(event.pointerId)) picture.setPointerCapture(event.pointerId);
  }
});
for (const end of ["pointerup", "pointercancel"]) {
  picture.addEventListener(end, (event) => {
    fingers.delete(event.pointerId);
    picture.classList.remove("moving");
  });
}

/** Paper shows the whole picture, whatever the screen shows. */
function paper(printing) {
  onPaper = printing;
  if (printing) {
    picture.setAttribute("viewBox", `-8 -8 ${extent.width + 16} ${extent.height + 16}`);
    world.removeAttribute("transform");
    world.classList.toggle("far", extent.width > 4000 || extent.height > 4000);
  } else {
    picture.removeAttribute("viewBox");
    show();
  }
}
matchMedia("print").addEventListener("change", (event) => paper(event.matches));
