import { describe, expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';
import { listenForScrapes } from './metrics-listener.ts';

describe('metrics', () => {
  it('count, observe, and look up when somebody asks', async () => {
    const metrics = createMetrics();
    const cakes = metrics.counter({ name: 'cakes_total', help: 'Cakes.' });
    const byKind = metrics.counters({ name: 'fruit_total', help: 'Fruit.' }, ['kind']);
    const sizes = metrics.histogram({ name: 'size_bytes', help: 'Sizes.', buckets: [10, 100] });
    let depth = 3;
    let left = new Map([['a', 1]]);
    metrics.gauge({ name: 'depth', help: 'Depth.' }, () => depth);
    metrics.gauge({ name: 'left', help: 'Left.', label: 'of' }, () => left);
    cakes.add();
    cakes.add(2);
    byKind.of('apple').add();
    byKind.of('apple').add();
    sizes.observe(50);
    const first = (await metrics.render()).text;
    for (const line of [
      'cakes_total 3',
      'fruit_total{kind="apple"} 2',
      'size_bytes_bucket{le="100"} 1',
      'depth 3',
      'left{of="a"} 1',
    ]) {
      expect(first).toContain(`carillon_${line}\n`);
    }
    depth = 4;
    left = new Map([['b', 2]]);
    const second = (await metrics.render()).text;
    expect(second).toContain('carillon_depth 4\n');
    expect(second).not.toContain('of="a"');
  });

  it('keep a family of labels from growing without end', async () => {
    const metrics = createMetrics();
    const family = metrics.counters({ name: 'many_total', help: 'Many.' }, ['kind']);
    for (let kind = 0; kind < 6_000; kind++) family.of(`kind ${kind}`).add();
    const { text } = await metrics.render();
    expect(text.split('\n').length).toBeLessThan(5_100);
    expect(text).toContain('carillon_many_total{kind="other"} 1000\n');
  });

  it('of the process say what runs, and leave out what misleads', async () => {
    const { text } = await createMetrics({ process: { version: '1.2.3' } }).render();
    expect(text).toContain('carillon_build_info{version="1.2.3",node="');
    expect(text).toContain('carillon_process_cpu_seconds_total');
    expect(text).not.toContain('eventloop_lag');
  });

  it('are served at /metrics and nowhere else', async () => {
    const listener = await listenForScrapes(createMetrics(), { host: '127.0.0.1', port: 0 });
    const get = async (path: string, method = 'GET') => {
      const response = await fetch(`http://127.0.0.1:${listener.port}${path}`, { method });
      return [response.status, response.headers.get('content-type')?.split(';')[0]];
    };
    expect(await get('/metrics?x')).toEqual([200, 'text/plain']);
    expect((await get('/'))[0]).toBe(404);
    expect((await get('/metrics', 'POST'))[0]).toBe(404);
    await listener.close();
    await expect(get('/metrics')).rejects.toThrow();
  });
});
