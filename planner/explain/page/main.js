// What happens when: the selection, the keys, the switches, and the start.

const state = { selected: null, run: 0, externals: false };
const SOON = 1200; // milliseconds after which a simple picture is shown while the better one is still laid out
const after = (time) => new Promise((resolve) => { setTimeout(resolve, time); });

/** Select a node (null: none): picture, panel, list and timeline follow. */
function select(at, move = false, focus = false) {
  if (at !== null && !nodes[at].isImage && !state.externals) {
    byId("externals").checked = true;
    arrange(true).then(() => select(at, move, focus));
    return;
  }
  state.selected = at;
  showPanel(at);
  highlight(at);
  markEntry(at);
  markRow(at);
  if (at === null) {
    filter();
    return;
  }
  byId("spoken").textContent = spokenName(nodes[at]);
  if (move) bring(at);
  if (focus) boxes[at]?.focus({ preventScroll: true });
}

/** The node that an arrow key leads to: along edges to the left and right, within its column up and down. */
function neighbour(at, key) {
  const here = nodes[at];
  const middle = (node) => node.place[1];
  const nearest = (numbers) => numbers.filter((other) => boxes[other])
    .sort((one, other) => Math.abs(middle(nodes[one]) - middle(here)) - Math.abs(middle(nodes[other]) - middle(here)))[0];
  if (key === "ArrowLeft") return nearest(here.sources);
  if (key === "ArrowRight") return nearest(here.readers);
  const sign = key === "ArrowUp" ? -1 : 1;
  const beyond = nodes.filter((node) => node.at !== at && boxes[node.at] && sign * (middle(node) - middle(here)) > 0);
  const siblings = beyond.filter((node) => Math.abs(node.place[0] - here.place[0]) < 60);
  return nearest((siblings.length ? siblings : beyond).map((node) => node.at));
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches?.("input[type=search], select");
  if (event.key === "Escape") {
    if (!byId("keys").hidden) toggleHelp(false);
    else if (state.selected !== null) { select(null); picture.focus(); }
    else clearSearch();
    return;
  }
  if (typing) return;
  const inPicture = picture.contains(event.target) || event.target === document.body;
  if (event.key.startsWith("Arrow") && inPicture) {
    event.preventDefault();
    if (event.shiftKey) {
      const [x, y] = { ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80] }[event.key];
      pan(x, y);
    } else {
      const next = state.selected === null ? 0 : neighbour(state.selected, event.key);
      if (next !== undefined) select(next, true, true);
    }
    return;
  }
  if ((event.key === "Enter" || event.key === " ") && inPicture) {
    event.preventDefault();
    const at = event.target.closest?.("[data-node]")?.dataset.node;
    if (at !== undefined) { select(Number(at), true); panel.focus(); }
    return;
  }
  const action = KEYS.find((key) => key.keys.includes(event.key))?.run;
  if (action) {
    event.preventDefault();
    action();
  }
}

const KEYS = [
  { keys: ["/"], text: "search", run: () => { search.focus(); search.select(); } },
  { keys: ["←", "→"], text: "along edges" },
  { keys: ["↑", "↓"], text: "within a column" },
  { keys: ["Shift + arrows"], text: "move the picture" },
  { keys: ["Enter"], text: "into the details" },
  { keys: ["Esc"], text: "clear" },
  { keys: ["+", "="], text: "zoom in", run: () => zoom(1.25) },
  { keys: ["-", "_"], text: "zoom out", run: () => zoom(0.8) },
  { keys: ["0", "f"], text: "show all", run: fit },
  { keys: ["e"], text: "externals", run: () => byId("externals").click() },
  { keys: ["l"], text: "timeline", run: () => { if (data.runs.length) toggleTimeline(); } },
  { keys: ["t"], text: "light or dark", run: changeTheme },
  { keys: ["?"], text: "these keys", run: () => toggleHelp() },
];

function toggleHelp(open = byId("keys").hidden) {
  byId("keys").hidden = !open;
  byId("help").setAttribute("aria-expanded", String(open));
}

function changeTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
}

async function arrange(externals) {
  state.externals = externals;
  byId("busy").hidden = false;
  const laying = layOut(externals);
  if (!externals && await Promise.race([laying, after(SOON)]) === undefined) put(simpleLayout());
  const layout = await laying;
  if (state.externals !== externals) return;
  if (layout.simple) {
    byId("externals").disabled = true;
    byId("externals").checked = state.externals = false;
  }
  if (layout.took) performance.measure("planner-layout", { start: performance.now() - layout.took, duration: layout.took });
  put(layout);
  byId("busy").hidden = true;
  document.documentElement.dataset.ready = layout.simple ? "simple" : "laid out";
}

/** Draw a layout; who looked at a part of another one keeps the selected node in view. */
function put(layout) {
  drawPicture(layout);
  if (view.isWhole || state.selected === null) fit();
  if (state.selected !== null && !boxes[state.selected]) select(null);
  else select(state.selected, !view.isWhole);
  if (!performance.getEntriesByName("planner-ready").length) performance.mark("planner-ready");
}

function start() {
  const building = images.filter((image) => image.action === "build").length;
  const title = data.title ? shown(data.title) : "Images";
  document.title = `${title}: ${plural(images.length, "image")}`;
  byId("title").append(data.title ? isolated(data.title) : title);
  byId("title").title = title;
  byId("summary").append(plural(images.length, "image"));
  if (data.against) byId("summary").append(" · ", make("b", {}, `${building} to build`), " against ", isolated(data.against));
  const told = [data.trouble, ...data.warnings].filter(Boolean);
  byId("trouble").hidden = !told.length;
  byId("trouble").append(...told.map((text) => make("div", {}, isolated(text))));
  byId("keys").append(make("dl", {}, ...KEYS.flatMap(({ keys, text }) =>
    [make("dt", {}, ...keys.slice(0, 2).flatMap((key) => [make("kbd", {}, key), " "])), make("dd", {}, text)])));
  byId("externals").addEventListener("change", (event) => arrange(event.target.checked));
  byId("externals").disabled = !data.externals.length;
  byId("fit").addEventListener("click", fit);
  byId("zoom-in").addEventListener("click", () => zoom(1.25));
  byId("zoom-out").addEventListener("click", () => zoom(0.8));
  byId("theme").addEventListener("click", changeTheme);
  byId("help").addEventListener("click", () => toggleHelp());
  picture.addEventListener("click", (event) => {
    if (travelled > 4) return;
    const at = event.target.closest("[data-node]")?.dataset.node;
    select(at === undefined ? null : Number(at));
  });
  document.addEventListener("keydown", onKey);
  drawLegend();
  filter();
  prepareTimeline();
  arrange(false);
}

start();
