// Numbers as people read them, the same as slimml/report/sizes.py writes them.

const UNITS = ['kB', 'MB', 'GB', 'TB', 'PB'];

function size(bytes) {
  if (Math.abs(bytes) < 1000) return `${Math.round(bytes)} B`;
  const digits = Math.abs(bytes) >= 1e9 ? 2 : 1;
  let value = bytes / 1000;
  let unit = 0;
  while (Math.abs(value) >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

function number(value) {
  return Math.round(value).toLocaleString('en-US');
}

function share(part, whole) {
  if (!(whole > 0)) return '–';
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.1) return '<0.1 %';
  return percent < 99.95 || part === whole ? `${percent.toFixed(1)} %` : '99.9 %';
}

function counted(value, singular, plural) {
  return `${number(value)} ${value === 1 ? singular : plural || `${singular}s`}`;
}

function seconds(value) {
  if (!value) return '0 s';
  if (value < 0.00095) return `${(value * 1e6).toFixed(0)} µs`;
  if (value < 0.0995) return `${(value * 1000).toFixed(value < 0.00995 ? 1 : 0)} ms`;
  return value < 9.995 ? `${value.toFixed(2)} s` : `${value.toFixed(1)} s`;
}

function amount(value, unit) {
  if (unit === 'bytes') return size(value);
  if (unit === 'share') return `${(100 * value).toFixed(1)} %`;
  return unit === 'seconds' ? seconds(value) : number(value);
}

// Round values for a scale from 0 to `most`, at most about `count` of them.
function ticks(most, count, unit) {
  if (!(most > 0)) return [0];
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= rough);
  if (unit === 'count') step = Math.max(1, Math.round(step));
  const found = [];
  for (let i = 0; i * step <= most * 1.0001; i++) found.push(i * step);
  return found;
}
