// Where the arrow keys lead on a map of rectangles.

// The rectangle next to `from` in a direction, those beside its edge before those aside; null at the border.
function nearest(places, from, right, down) {
  let best = null;
  let least = Infinity;
  for (const place of places) {
    if (place === from) continue;
    const across = place.x + place.width / 2 - from.x - from.width / 2;
    const under = place.y + place.height / 2 - from.y - from.height / 2;
    const edge = edgeBetween(place, from, right, down);
    if (across * right + under * down <= 0 || edge < -1) continue;
    const aside = right ? gapBetween(place.y, place.height, from.y, from.height) : gapBetween(place.x, place.width, from.x, from.width);
    const far = Math.max(0, edge) + 3 * aside + 0.01 * Math.abs(right ? under : across);
    if (far < least) [best, least] = [place, far];
  }
  return best;
}

// How far `place` begins behind the edge of `from` in a direction.
function edgeBetween(place, from, right, down) {
  if (right) return right > 0 ? place.x - from.x - from.width : from.x - place.x - place.width;
  return down > 0 ? place.y - from.y - from.height : from.y - place.y - place.height;
}

function gapBetween(start, length, other, otherLength) {
  return Math.max(0, other - start - length, start - other - otherLength);
}
