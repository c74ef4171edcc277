// Shows the values of the lines of a figure at the pointer, or at the point that the arrow keys
// reach.
for (const curve of document.querySelectorAll('.curve')) {
  const svg = curve.querySelector('svg');
  const { x: unit, top, bottom, lines } = JSON.parse(curve.dataset.points);
  const places = new Map();
  for (const { points } of lines) for (const [x, left] of points) places.set(x, left);
  const columns = [...places].sort((a, b) => a[0] - b[0]);
  if (!columns.length) continue;
  const { width } = svg.viewBox.baseVal;
  const create = (name, attributes) => {
    const element = document.createElementNS(svg.namespaceURI, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    return svg.appendChild(element);
  };
  const guide = create('path', { class: 'guide', visibility: 'hidden' });
  const dots = lines.map(() => create('circle', { class: 'dot', r: 4, visibility: 'hidden' }));
  const card = curve.appendChild(document.createElement('div'));
  card.className = 'card values';
  card.hidden = true;
  let current = columns.length - 1;

  const hide = () => {
    card.hidden = true;
    for (const mark of [guide, ...dots]) mark.setAttribute('visibility', 'hidden');
  };

  const show = (index) => {
    current = index;
    const [x, left] = columns[index];
    guide.setAttribute('d', `M${left} ${top}V${bottom}`);
    guide.setAttribute('visibility', 'visible');
    card.replaceChildren(`${unit} ${x}`);
    lines.forEach(({ name, points }, line) => {
      // A line may have no point just there.
      const near = points.reduce((best, point) =>
        Math.abs(point[1] - left) < Math.abs(best[1] - left) ? point : best, points[0]);
      const shown = near && Math.abs(near[1] - left) < 4;
      dots[line].setAttribute('visibility', shown ? 'visible' : 'hidden');
      if (!shown) return;
      dots[line].setAttribute('cx', near[1]);
      dots[line].setAttribute('cy', near[2]);
      const value = card.appendChild(document.createElement('span'));
      value.textContent = lines.length > 1 ? `${name}: ${near[3]}` : near[3];
    });
    card.hidden = false;
    card.style.left = `${100 * left / width}%`;
    card.style.top = `${100 * top / svg.viewBox.baseVal.height}%`;
    card.style.transform = `translateX(${left < width / 2 ? '10px' : 'calc(-100% - 10px)'})`;
  };

  const pointed = (event) => {
    const box = svg.getBoundingClientRect();
    const at = (event.clientX - box.left) * width / box.width;
    const distance = (index) => Math.abs(columns[index][1] - at);
    let best = 0;
    for (let index = 1; index < columns.length; index += 1) {
      if (distance(index) < distance(best)) best = index;
    }
    show(best);
  };

  curve.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') hide();
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    show(Math.min(Math.max(current + step, 0), columns.length - 1));
  });
  curve.addEventListener('focus', () => { if (curve.matches(':focus-visible')) show(current); });
  curve.addEventListener('blur', hide);
  curve.addEventListener('pointermove', pointed);
  curve.addEventListener('pointerdown', pointed);
  curve.addEventListener('pointerleave', hide);
  curve.tabIndex = 0;
  card.setAttribute('aria-live', 'polite');
}
