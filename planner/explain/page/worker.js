// Runs behind the layout library in a worker: boxes and edges in, places and curves out, each connected part on its own.

const INCH = 72;
const LARGE = 60; // nodes of a part from which on leaves are put into blocks
const GAP = 7;

/** Numbers of boxes, grouped by which edges join them. */
function partsOf(count, edges) {
  const above = Array.from({ length: count }, (_, at) => at);
  const root = (at) => {
    while (above[at] !== at) at = above[at] = above[above[at]];
    return at;
  };
  for (const [start, end] of edges) {
    const [one, other] = [root(start), root(end)].sort((a, b) => a - b);
    above[other] = one;
  }
  const found = new Map();
  for (let at = 0; at < count; at++) {
    const first = root(at);
    if (!found.has(first)) found.set(first, []);
    found.get(first).push(at);
  }
  return [...found.values()];
}

/**
 * What is placed as one box: a node, or in a large part the nodes that nothing reads and that read the same, in a block.
 * Without blocks a family of many leaves would be one tall column.
 */
function unitsOf(members, boxes, edges, height) {
  const single = (at) => ({ at, members: [at], columns: 1, cell: boxes[at], width: boxes[at], height });
  if (members.length < LARGE) return members.map(single);
  const sources = new Map(members.map((at) => [at, []]));
  const isRead = new Set(edges.map(([start]) => start));
  for (const [start, end] of edges) sources.get(end).push(start);
  const groups = new Map();
  for (const at of members) {
    const name = isRead.has(at) || !sources.get(at).length ? `alone ${at}` : sources.get(at).join(" ");
    groups.set(name, [...(groups.get(name) ?? []), at]);
  }
  return [...groups.values()].flatMap((group) => group.length < 3 ? group.map(single) : [blockOf(group, boxes, height)]);
}

function blockOf(group, boxes, height) {
  const cell = Math.max(...group.map((at) => boxes[at]));
  const columns = Math.min(group.length, Math.max(3, Math.ceil(Math.sqrt(3 * group.length * (height + GAP) / (cell + GAP)))));
  const rows = Math.ceil(group.length / columns);
  const around = 2 * GAP;
  return {
    at: group[0], members: group, columns, cell,
    width: columns * (cell + GAP) - GAP + around, height: rows * (height + GAP) - GAP + around,
  };
}

/** Names in Graphviz's language are our numbers, so nothing of a family's text enters it. */
function dotOf(units, edges) {
  const lines = units.map((unit) => `n${unit.at}[width=${unit.width / INCH},height=${unit.height / INCH}];`);
  for (const [start, end] of edges) lines.push(`n${start}:e->n${end}:w;`);
  return `digraph{rankdir=LR;nodesep=0.17;ranksep=0.75;nslimit=8;mclimit=1;node[shape=box,fixedsize=true,label=""];` +
    `edge[dir=none];${lines.join("")}}`;
}

/** Reads Graphviz's plain format: inches, from the lower left corner. */
function readPlain(text) {
  const found = { nodes: new Map(), edges: new Map(), width: 0, height: 0 };
  for (const line of text.split("\n")) {
    const words = line.split(" ");
    const x = (at) => Number(words[at]) * INCH;
    const y = (at) => found.height - Number(words[at]) * INCH;
    if (words[0] === "graph") {
      found.width = x(2);
      found.height = Number(words[3]) * INCH;
    } else if (words[0] === "node") {
      found.nodes.set(Number(words[1].slice(1)), [x(2) - x(4) / 2, y(3) - Number(words[5]) * INCH / 2]);
    } else if (words[0] === "edge") {
      const points = [];
      for (let at = 4; at < 4 + 2 * Number(words[3]); at += 2) points.push([x(at), y(at + 1)]);
      found.edges.set(`${words[1].slice(1)} ${words[2].slice(1)}`, points);
    }
  }
  return found;
}

/** Rows of parts, the tallest first, within about a screen's aspect. */
function pack(parts, gap) {
  const area = parts.reduce((sum, part) => sum + (part.width + gap) * (part.height + gap), 0);
  const limit = Math.max(Math.sqrt(area * 1.6), ...parts.map((part) => part.width));
  let x = 0, y = 0, row = 0;
  for (const part of [...parts].sort((one, other) => other.height - one.height)) {
    if (x && x + part.width > limit) [x, y, row] = [0, y + row + gap, 0];
    [part.x, part.y] = [x, y];
    x += part.width + gap;
    row = Math.max(row, part.height);
  }
}

/** One part on its own: {nodes, edges, blocks, width, height}. */
function drawPart(graphviz, members, boxes, edges, height) {
  if (members.length === 1) {
    return { nodes: new Map([[members[0], [0, 0]]]), edges: new Map(), blocks: [], width: boxes[members[0]], height };
  }
  const units = unitsOf(members, boxes, edges, height);
  const unitOf = new Map(units.flatMap((unit) => unit.members.map((at) => [at, unit.at])));
  const joined = new Map(edges.map(([start, end]) => [`${start} ${unitOf.get(end)}`, [start, unitOf.get(end)]]));
  const part = readPlain(graphviz.layout(dotOf(units, joined.values()), "plain", "dot"));
  const found = { ...part, nodes: new Map(), edges: new Map(), blocks: [] };
  for (const unit of units) {
    const [left, top] = part.nodes.get(unit.at);
    const inset = unit.members.length > 1 ? GAP : 0;
    unit.members.forEach((at, index) => found.nodes.set(at, [
      left + inset + (index % unit.columns) * (unit.cell + GAP),
      top + inset + Math.floor(index / unit.columns) * (height + GAP),
    ]));
    if (inset) found.blocks.push([left, top, unit.width, unit.height]);
  }
  for (const [start, end] of edges) found.edges.set(`${start} ${end}`, part.edges.get(`${start} ${unitOf.get(end)}`));
  return found;
}

function layOut(graphviz, { boxes, edges, height }) {
  const parts = partsOf(boxes.length, edges);
  const owner = [];
  parts.forEach((members, part) => members.forEach((at) => { owner[at] = part; }));
  const inside = parts.map(() => []);
  for (const edge of edges) inside[owner[edge[0]]].push(edge);
  const drawn = parts.map((members, part) => drawPart(graphviz, members, boxes, inside[part], height));
  pack(drawn, 28);
  const places = [], curves = {}, blocks = [];
  const round = (value) => Math.round(value * 10) / 10;
  for (const part of drawn) {
    for (const [at, [x, y]] of part.nodes) places[at] = [round(x + part.x), round(y + part.y)];
    for (const [name, points] of part.edges) {
      const moved = points.map(([x, y]) => `${round(x + part.x)} ${round(y + part.y)}`);
      curves[name] = `M${moved[0]}C${moved.slice(1).join(" ")}`;
    }
    for (const [x, y, wide, high] of part.blocks) blocks.push([round(x + part.x), round(y + part.y), wide, high]);
  }
  return { places, curves, blocks };
}

const ready = Graphviz.load();
self.onmessage = async ({ data }) => {
  try {
    const began = performance.now();
    const graphviz = await ready;
    const loaded = performance.now();
    const drawn = layOut(graphviz, data);
    self.postMessage({ number: data.number, ...drawn, took: performance.now() - loaded, loading: loaded - began });
  } catch (error) {
    self.postMessage({ number: data.number, error: String(error) });
  }
};
