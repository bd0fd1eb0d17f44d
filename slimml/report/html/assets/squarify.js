// Squarified treemaps (Bruls, Huizing, van Wijk 2000): rectangles as near to squares as they come.

// Lays `nodes` (most bytes first) into a rectangle and gives each to `place(node, x, y, width, height)`. What would be
// smaller than `least` square pixels is left out; gives the rectangle of all that was, or null.
function squarify(nodes, total, x, y, width, height, least, place) {
  let scale = (width * height) / total;
  let left = total;
  let at = 0;
  while (at < nodes.length && width > 0 && height > 0) {
    if (!(nodes[at].bytes * scale >= least)) break;
    const side = Math.min(width, height);
    let end = at;
    let bytes = 0;
    let worst = Infinity;
    while (end < nodes.length && nodes[end].bytes * scale >= least) {
      const next = bytes + nodes[end].bytes;
      const ratio = worstRatio(nodes[at].bytes * scale, nodes[end].bytes * scale, next * scale, side);
      if (ratio > worst) break;
      worst = ratio;
      bytes = next;
      end++;
    }
    const thick = end === nodes.length ? (width < height ? height : width) : (bytes * scale) / side;
    let offset = 0;
    for (let i = at; i < end; i++) {
      const long = (nodes[i].bytes / bytes) * side;
      if (width >= height) place(nodes[i], x, y + offset, thick, long);
      else place(nodes[i], x + offset, y, long, thick);
      offset += long;
    }
    if (width >= height) {
      x += thick;
      width -= thick;
    } else {
      y += thick;
      height -= thick;
    }
    left -= bytes;
    at = end;
  }
  return at < nodes.length && left > 0 && width > 0.5 && height > 0.5 ? { x, y, width, height, from: at } : null;
}

function worstRatio(largest, smallest, sum, side) {
  const square = side * side;
  return Math.max((square * largest) / (sum * sum), (sum * sum) / (square * smallest));
}
