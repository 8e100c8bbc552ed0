// A Database whose statements are counted and timed.
import type { Metrics, Observed } from '../observe/metrics.ts';
import type { BatchWriter, Database, Reader } from './database.ts';

/** The same database, with its latency and its pool in the metrics. */
export function measureDatabase(database: Database, metrics: Metrics): Database {
  const latencies = metrics.histograms(
    {
      name: 'database_duration_seconds',
      help: 'From asking the database to its answer, waiting for a connection included: point reads, other reads, transactions, batches.',
    },
    ['kind'],
  );
  metrics.gauge(
    { name: 'database_connections', help: 'Connections of the pool, and callers that wait for one.', label: 'state' },
    () => new Map(Object.entries(database.pool)),
  );
  const transactions = latencies.of('transaction');
  return {
    points: measureReader(database.points, latencies.of('point')),
    ...measureReader(database, latencies.of('read')),
    transaction: (work) => timed(transactions, () => database.transaction(work)),
    openBatchWriter: () => measureWriter(database.openBatchWriter(), latencies.of('batch')),
    get pool() {
      return database.pool;
    },
    ping: () => database.ping(),
    close: () => database.close(),
  };
}

function measureReader(reader: Reader, latency: Observed): Reader {
  return { query: (statement) => timed(latency, () => reader.query(statement)) };
}

function measureWriter(writer: BatchWriter, latency: Observed): BatchWriter {
  return {
    commit: (statements) => timed(latency, () => writer.commit(statements)),
    close: () => writer.close(),
  };
}

async function timed<Result>(latency: Observed, work: () => Promise<Result>): Promise<Result> {
  const startedMs = performance.now();
  try {
    return await work();
  } finally {
    latency.observe((performance.now() - startedMs) / 1000);
  }
}
