// Shows the image at a point of a map: the nearest to the pointer, or the one that the arrow keys
// reach.
for (const plane of document.querySelectorAll('.plane')) {
  const plot = plane.querySelector('.plot');
  const svg = plot.querySelector('svg');
  const card = plot.querySelector('.card');
  const [thumbnail, kind, name] = card.children;
  const said = plane.querySelector('.said');
  const { columns, side } = plane.closest('.map').dataset;
  const points = [...svg.querySelectorAll('use')].map((use) => ({
    use,
    x: Number(use.getAttribute('x')),
    y: Number(use.getAttribute('y')),
    kind: use.parentNode.dataset.name,
    text: use.dataset.image,
  }));
  const { width, height } = svg.viewBox.baseVal;
  const ring = svg.appendChild(document.createElementNS(svg.namespaceURI, 'circle'));
  ring.setAttribute('class', 'ring');
  let current = null;

  const nearest = (x, y, distance) => points.reduce((best, point) => {
    const at = distance(point.x - x, point.y - y);
    return at < best.at ? { point, at } : best;
  }, { point: null, at: Infinity });

  const hide = () => {
    card.hidden = true;
    ring.setAttribute('r', 0);
  };

  const show = (point) => {
    current = point;
    ring.setAttribute('cx', point.x);
    ring.setAttribute('cy', point.y);
    ring.setAttribute('r', 9);
    const index = Number(point.use.dataset.i);
    const [column, row] = [index % columns, Math.floor(index / columns)];
    thumbnail.style.backgroundPosition = `${-column * side}px ${-row * side}px`;
    kind.textContent = point.kind;
    name.textContent = point.text;
    card.hidden = false;
    // To the side and the end where there is room.
    const [right, down] = [point.x < width / 2, point.y < height / 2];
    card.style.left = `${100 * point.x / width}%`;
    card.style.top = `${100 * point.y / height}%`;
    const offset = (positive) => (positive ? '12px' : 'calc(-100% - 12px)');
    card.style.transform = `translate(${offset(right)}, ${offset(down)})`;
  };

  const pointed = (event) => {
    const box = svg.getBoundingClientRect();
    const scale = width / box.width;
    const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    const { point, at } = nearest(x, y, Math.hypot);
    if (at < 24 * scale) show(point); else hide();
  };

  const keys = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
  plot.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') hide();
    const step = keys[event.key];
    if (!step || !points.length) return;
    event.preventDefault();
    // The nearest in that direction, rather ahead than aside.
    const ahead = (dx, dy) => {
      const [along, aside] = [dx * step[0] + dy * step[1], dx * step[1] + dy * step[0]];
      return along > 0 ? along + 2 * Math.abs(aside) : Infinity;
    };
    const from = current || { x: width / 2, y: height / 2 };
    const { point } = nearest(from.x, from.y, ahead);
    show(point || current || points[0]);
    said.textContent = `${current.kind} ${current.text}`;
  });
  plot.addEventListener('focus', () => {
    if (!points.length || !plot.matches(':focus-visible')) return;
    show(current || nearest(width / 2, height / 2, Math.hypot).point);
    said.textContent = `${current.kind} ${current.text}`;
  });
  plot.addEventListener('blur', hide);
  plot.addEventListener('pointermove', pointed);
  plot.addEventListener('pointerdown', pointed);
  plot.addEventListener('pointerleave', hide);
  plot.tabIndex = 0;
}
