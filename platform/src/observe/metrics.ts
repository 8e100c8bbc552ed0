// Numbers about the running server, for Prometheus and its like: a small face on prom-client. Counting costs a fraction of
// a microsecond; whatever can be looked up is looked up when somebody asks. Labels name kinds, never users, rooms or tokens.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Counted {
  add(amount?: number): void;
}

export interface Observed {
  /** Durations are in seconds. */
  observe(value: number): void;
}

export interface MetricName {
  /** Without the prefix `carillon_`; with its unit last (`_seconds`, `_bytes`, `_total`). */
  readonly name: string;
  readonly help: string;
}

export interface HistogramOptions extends MetricName {
  /** Upper bounds; default: from a millisecond to a minute. */
  readonly buckets?: readonly number[];
}

/** The same number for several kinds; a label's values come from a fixed small set. */
export interface Family<Metric> {
  of(...labelValues: readonly string[]): Metric;
}

/** A gauge's value, or its values by label. */
export type Reading = number | ReadonlyMap<string, number>;

export interface Metrics {
  counter(name: MetricName): Counted;
  counters(name: MetricName, labels: readonly string[]): Family<Counted>;
  histogram(options: HistogramOptions): Observed;
  histograms(options: HistogramOptions, labels: readonly string[]): Family<Observed>;
  /** Calls `read` for each scrape; with a label, `read` gives a map by its values. Must not throw. */
  gauge(name: MetricName & { readonly label?: string }, read: () => Reading): void;
  /** The page that is scraped. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

const PREFIX = 'carillon_';
const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Label sets one family may have; more are counted under `other`: a mistake must not eat the memory. */
const MAX_FAMILY_MEMBERS = 5_000;

/** prom-client's own look at the event loop counts its sampling interval as delay: it is left out, and hardly runs. */
const UNUSED_SAMPLE_MS = 10_000;

export interface MetricsOptions {
  /** Adds the process's own numbers (CPU, memory, file descriptors, event loop delay, garbage collection) and its build. */
  readonly process?: { readonly version: string };
}

/** Makes a set of metrics, for one server. */
export function createMetrics({ process: ours }: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  if (ours !== undefined) addProcess(registry, ours.version);
  const counterOf = ({ name, help }: MetricName, labelNames: readonly string[]) =>
    new Counter({ name: PREFIX + name, help, labelNames, registers: [registry] });
  const histogramOf = ({ name, help, buckets = LATENCY_BUCKETS }: HistogramOptions, labelNames: readonly string[]) =>
    new Histogram({ name: PREFIX + name, help, labelNames, buckets: [...buckets], registers: [registry] });
  return {
    counter(name) {
      const counter = counterOf(name, []);
      return { add: (amount = 1) => counter.inc(amount) };
    },
    counters(name, labels) {
      const counter = counterOf(name, labels);
      return family(labels, (values) => {
        const child = counter.labels(...values);
        return { add: (amount = 1) => child.inc(amount) };
      });
    },
    histogram(options) {
      const histogram = histogramOf(options, []);
      return { observe: (value) => histogram.observe(value) };
    },
    histograms(options, labels) {
      const histogram = histogramOf(options, labels);
      return family(labels, (values) => histogram.labels(...values));
    },
    gauge: (name, read) => addGauge(registry, name, read),
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

function addProcess(register: Registry, version: string): void {
  collectDefaultMetrics({ register, prefix: PREFIX, eventLoopMonitoringPrecision: UNUSED_SAMPLE_MS });
  for (const { name } of register.getMetricsAsArray()) {
    if (name.startsWith(`${PREFIX}nodejs_eventloop_lag`)) register.removeSingleMetric(name);
  }
  new Gauge({
    name: `${PREFIX}build_info`,
    help: 'What is running.',
    labelNames: ['version', 'node'],
    registers: [register],
  }).set({ version, node: process.versions.node }, 1);
}

function family<Metric>(labels: readonly string[], make: (values: string[]) => Metric): Family<Metric> {
  const members = new Map<string, Metric>();
  let overflow: Metric | undefined;
  const memberOf = (values: readonly string[]): Metric => {
    const key = values.join('\n');
    let member = members.get(key);
    if (member === undefined && members.size >= MAX_FAMILY_MEMBERS) {
      overflow ??= make(labels.map(() => 'other'));
      return overflow;
    }
    if (member === undefined) {
      member = make([...values]);
      members.set(key, member);
    }
    return member;
  };
  return { of: (...values) => memberOf(values) };
}

function addGauge(registry: Registry, name: MetricName & { label?: string }, read: () => Reading): void {
  const { label } = name;
  new Gauge({
    name: PREFIX + name.name,
    help: name.help,
    labelNames: label === undefined ? [] : [label],
    registers: [registry],
    collect() {
      const reading = read();
      if (typeof reading === 'number') return this.set(reading);
      this.reset();
      for (const [value, number] of reading) this.set({ [label ?? '']: value }, number);
    },
  });
}
