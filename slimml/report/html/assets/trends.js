// How a figure went over time: medians with their intervals, the budget, and the steps that lasted.

const MOST_DOTS = 120;
const CHART = { width: 560, height: 220, left: 90, right: 16, top: 14, bottom: 30 };

function trendsSection(trends) {
  return section('trends', 'Over time',
    el('p', { class: 'lead' }, 'A dot is the median of one run, the band its interval; a dashed upright line is a step that lasted.'),
    el('div', { class: 'charts' }, trends.map(trendOf)));
}

function trendOf(trend) {
  const { points, changes, unit, budget } = trend;
  const last = points[points.length - 1];
  const title = el('h3', null, trend.title, last ? el('span', { class: 'less' }, amount(last.value, unit)) : null);
  if (!points.length) return el('div', { class: 'group' }, title, el('p', { class: 'faint' }, 'No result yet.'));
  const most = Math.max(...points.map((point) => point.high), budget || 0) * 1.08 || 1;
  const inner = CHART.width - CHART.left - CHART.right;
  const tall = CHART.height - CHART.top - CHART.bottom;
  const x = (index) => CHART.left + (points.length > 1 ? (index * inner) / (points.length - 1) : inner / 2);
  const y = (value) => CHART.top + tall * (1 - value / most);
  const band = [...points.map((p, i) => `${x(i)},${y(p.high)}`), ...points.map((p, i) => `${x(i)},${y(p.low)}`).reverse()].join(' ');
  const label = `${trend.title}: ${counted(points.length, 'result')} from ${amount(points[0].value, unit)} to ${amount(last.value, unit)}`;
  const chart = svg('svg', { viewBox: `0 0 ${CHART.width} ${CHART.height}`, role: 'img', 'aria-label': label, class: 'chart' },
    scaleOf(most, unit, y), datesOf(points, x),
    budget ? svg('line', { class: 'budget', x1: CHART.left, x2: CHART.width - CHART.right, y1: y(budget), y2: y(budget) }) : null,
    svg('polygon', { class: 'band', points: band }),
    svg('polyline', { class: 'trend', points: points.map((p, i) => `${x(i)},${y(p.value)}`).join(' ') }),
    (points.length > MOST_DOTS ? [] : points).map((p, i) => svg('circle', { class: 'dot', cx: x(i), cy: y(p.value), r: points.length > 60 ? 1.8 : 3.2 },
      titled(`${p.when} ${p.label}: ${amount(p.value, unit)} (${amount(p.low, unit)} to ${amount(p.high, unit)})`))),
    changes.map((change) => svg('line', { class: 'step', x1: between(x, change.at), x2: between(x, change.at), y1: CHART.top, y2: CHART.height - CHART.bottom }, titled(change.words))));
  return el('div', { class: 'group' }, title, chart,
    budget ? el('p', { class: 'faint' }, `dotted: the budget, ${amount(budget, unit)}`) : null,
    changes.length ? el('ul', { class: 'plain' }, changes.map((change) => el('li', null, change.words))) : null);
}

function titled(words) {
  const made = svg('title');
  made.textContent = words;
  return made;
}

function between(x, at) {
  return (x(Math.max(0, at - 1)) + x(at)) / 2;
}

function scaleOf(most, unit, y) {
  return ticks(most, 4, unit).map((value) => {
    const words = svg('text', { x: CHART.left - 8, y: y(value) + 4, 'text-anchor': 'end' });
    words.textContent = amount(value, unit);
    return svg('g', null, svg('line', { class: 'grid', x1: CHART.left, x2: CHART.width - CHART.right, y1: y(value), y2: y(value) }), words);
  });
}

function datesOf(points, x) {
  const ends = points.length > 1 ? [[0, 'start'], [points.length - 1, 'end']] : [[0, 'middle']];
  return ends.map(([index, anchor]) => {
    const words = svg('text', { x: x(index), y: CHART.height - 8, 'text-anchor': anchor });
    words.textContent = points[index].when.slice(0, 10);
    return words;
  });
}
