// What the embedded Postgres is started with: durable, private (no TCP), and small enough for a family's server.

export interface PostgresSettings {
  readonly socketFolder: string;
  /** Off only for tests, whose data dies with them. */
  readonly durable: boolean;
  readonly maxConnections: number;
  /** The Postgres that is to understand the settings. */
  readonly major: number;
}

/** The `-c name=value` arguments. They win over postgresql.conf in the data folder, which stays as initdb wrote it. */
export function settingArguments(settings: PostgresSettings): string[] {
  const { socketFolder, durable, maxConnections, major } = settings;
  const all = {
    ...access(socketFolder, maxConnections),
    ...memory,
    ...writing(durable),
    ...upkeep,
    ...messages,
    ...since18(major),
  };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

const access = (socketFolder: string, maxConnections: number) => ({
  listen_addresses: '',
  unix_socket_directories: socketFolder,
  unix_socket_permissions: '0700',
  max_connections: `${maxConnections}`,
});

const memory = {
  shared_buffers: '32MB',
  work_mem: '4MB',
  maintenance_work_mem: '32MB',
  wal_buffers: '2MB',
  effective_cache_size: '256MB',
  huge_pages: 'off',
  jit: 'off',
  max_parallel_workers: '2',
  max_parallel_workers_per_gather: '0',
  max_worker_processes: '4',
  max_logical_replication_workers: '0',
  max_wal_senders: '2',
};

const writing = (durable: boolean) => ({
  fsync: durable ? 'on' : 'off',
  synchronous_commit: durable ? 'on' : 'off',
  full_page_writes: durable ? 'on' : 'off',
  wal_compression: 'pglz',
  max_wal_size: '512MB',
  min_wal_size: '64MB',
  checkpoint_timeout: '10min',
  random_page_cost: '1.1',
});

const upkeep = {
  autovacuum_max_workers: '2',
  autovacuum_naptime: '30s',
  autovacuum_vacuum_insert_scale_factor: '0.1',
  autovacuum_vacuum_cost_delay: '2ms',
  idle_session_timeout: '0',
};

const messages = {
  log_destination: 'stderr',
  logging_collector: 'off',
  log_checkpoints: 'off',
  log_min_messages: 'fatal',
  log_min_error_statement: 'panic',
  log_line_prefix: '',
  lc_messages: 'C',
  timezone: 'UTC',
};

/** Without the processes that read ahead: they cost memory, and our reads are small. */
const since18 = (major: number) => (major >= 18 ? { io_method: 'sync' } : {});
