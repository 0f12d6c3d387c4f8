// Reads the charts under the pointer, and takes lines away: the report is whole without it.
for (const figure of document.querySelectorAll('figure.chart')) {
  const svg = figure.querySelector(':scope > svg');
  const cursor = svg.querySelector('.cursor');
  const at = figure.querySelector('.at');
  const buttons = [...figure.querySelectorAll('button')];
  const lines = buttons.map((button) => JSON.parse(button.dataset.points));

  const percentile = (x) => `${(100 - 100 / x).toFixed(Math.max(0, Math.ceil(Math.log10(x)) - 1))} %`;
  const number = (value) => (Math.abs(value) < 100 ? Number(value.toPrecision(3)).toString() : Math.round(value).toLocaleString('en-US'));

  const clear = () => {
    cursor.setAttribute('visibility', 'hidden');
    at.textContent = '';
    for (const button of buttons) button.querySelector('output').textContent = '';
  };

  svg.addEventListener('pointerleave', clear);
  svg.addEventListener('pointermove', (event) => {
    const x = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse()).x;
    let nearest;
    const found = lines.map((points) => {
      let best = points[0];
      for (const point of points) if (Math.abs(point[0] - x) < Math.abs(best[0] - x)) best = point;
      if (nearest === undefined || Math.abs(best[0] - x) < Math.abs(nearest[0] - x)) nearest = best;
      return best;
    });
    if (nearest === undefined) return;
    cursor.setAttribute('x1', nearest[0]);
    cursor.setAttribute('x2', nearest[0]);
    cursor.setAttribute('visibility', 'visible');
    at.textContent = `at ${figure.dataset.x === 'percentile' ? percentile(nearest[1]) : number(nearest[1])}:`;
    // A line that has no point there says nothing.
    found.forEach((point, index) => {
      buttons[index].querySelector('output').textContent = Math.abs(point[0] - nearest[0]) < 12 ? number(point[2]) : '';
    });
  });

  for (const button of buttons)
    button.addEventListener('click', () => {
      const shown = button.getAttribute('aria-pressed') !== 'true';
      button.setAttribute('aria-pressed', String(shown));
      for (const part of svg.querySelectorAll(`[data-line="${button.dataset.line}"]`)) part.classList.toggle('off', !shown);
    });
}
