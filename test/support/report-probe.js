// Runs in the page: lists layout problems as lines in the last <pre>.
const wrong = [];
const visible = (box) => box.width > 0 && box.height > 0;
const overlap = (a, b) =>
  Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.5;

for (const element of document.body.querySelectorAll('*')) {
  const box = element.getBoundingClientRect();
  if (visible(box) && (box.right > innerWidth + 0.5 || box.left < -0.5))
    wrong.push(`<${element.tagName}> "${element.textContent.trim().slice(0, 40)}" is outside of the page`);
}
const charts = [...document.querySelectorAll('figure.chart')];
for (const chart of charts) {
  const title = chart.querySelector('figcaption').textContent;
  const svg = chart.querySelector(':scope > svg');
  const frame = svg.getBoundingClientRect();
  const axis = svg.querySelector('.axis').getBoundingClientRect();
  const lines = [...svg.querySelectorAll('.line')];
  if (lines.length === 0) wrong.push(`${title}: no lines`);
  for (const line of lines) {
    const box = line.getBoundingClientRect();
    if (line.getTotalLength() < 20) wrong.push(`${title}: an empty line`);
    if (box.left < axis.left - 2 || box.right > axis.right + 2 || box.top < axis.top - 2 || box.bottom > axis.bottom + 2)
      wrong.push(`${title}: a line leaves the axes`);
  }
  const texts = [...svg.querySelectorAll('text')].filter((text) => visible(text.getBoundingClientRect()));
  for (const [index, text] of texts.entries()) {
    const box = text.getBoundingClientRect();
    if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
      wrong.push(`${title}: "${text.textContent}" is cut off`);
    if (!text.classList.contains('mark') && overlap(box, axis)) wrong.push(`${title}: "${text.textContent}" is on the plot`);
    for (const other of texts.slice(index + 1))
      if (overlap(box, other.getBoundingClientRect())) wrong.push(`${title}: "${text.textContent}" is on "${other.textContent}"`);
  }
}
// The script of the report: the pointer shows values, a button hides a line.
const [chart] = charts;
const svg = chart.querySelector(':scope > svg');
const box = svg.getBoundingClientRect();
svg.dispatchEvent(new PointerEvent('pointermove', { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 }));
const readings = [...chart.querySelectorAll('output')].map((output) => output.textContent);
chart.querySelector('button').click();
const facts = {
  width: innerWidth,
  charts: charts.length,
  lines: document.querySelectorAll('figure.chart > svg .line').length,
  at: chart.querySelector('.at').textContent,
  readings,
  hidden: svg.querySelectorAll('.line.off').length,
  background: getComputedStyle(document.documentElement).backgroundColor,
  wrong,
};
const pre = document.createElement('pre');
pre.id = 'facts';
pre.textContent = JSON.stringify(facts);
document.body.append(pre);
