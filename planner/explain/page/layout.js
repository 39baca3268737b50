// Where nodes stand: asked of the layout library in a worker, and of the document where that fails or takes too long.

const PATIENCE = 6000; // milliseconds; the document has places for all images, only less well drawn
let worker = null;
let asked = 0;
startWorker(); // so that it loads its library while the page is made

function startWorker() {
  const source = new Blob([byId("worker").textContent], { type: "text/javascript" });
  const address = URL.createObjectURL(source);
  worker = new Worker(address);
  URL.revokeObjectURL(address);
}

/** Places and curves of the nodes that are shown: {places, curves, simple}. Never fails. */
async function layOut(withExternals) {
  const visible = withExternals ? nodes : nodes.slice(0, images.length);
  const edges = [];
  for (const node of visible) {
    for (const source of node.sources) if (source < visible.length) edges.push([source, node.at]);
  }
  try {
    return await asking({ boxes: visible.map((node) => node.width), edges, height: data.boxHeight });
  } catch (error) {
    worker?.terminate();
    worker = null;
    return simpleLayout(edges, String(error));
  }
}

function asking(question) {
  const number = ++asked;
  return new Promise((resolve, reject) => {
    if (!worker) startWorker();
    const timer = setTimeout(() => reject(new Error("the layout takes too long")), PATIENCE);
    worker.onerror = (event) => { clearTimeout(timer); event.preventDefault(); reject(new Error(event.message)); };
    worker.onmessage = ({ data: answer }) => {
      if (answer.number !== number) return;
      clearTimeout(timer);
      if (answer.error) reject(new Error(answer.error));
      else resolve(answer);
    };
    worker.postMessage({ number, ...question });
  });
}

/** The places that came with the document, and plain curves. Externals have none there and are left out. */
function simpleLayout(edges, why) {
  const places = images.map((image) => image.at);
  const curves = {};
  const middle = data.boxHeight / 2;
  for (const [start, end] of edges) {
    if (start >= images.length) continue;
    const [x, y] = [places[start][0] + images[start].width, places[start][1] + middle];
    const [toX, toY] = [places[end][0], places[end][1] + middle];
    const bend = Math.max((toX - x) / 2, 20);
    curves[`${start} ${end}`] = `M${x} ${y}C${x + bend} ${y} ${toX - bend} ${toY} ${toX} ${toY}`;
  }
  return { places, curves, blocks: [], simple: why };
}
