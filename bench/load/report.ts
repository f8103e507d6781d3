/** The load of a generator; callers take the requests in rotation. */
export interface Spec {
  readonly protocol: "grpc" | "http";
  /** host:port; connections and calls spread over them. */
  readonly addresses: readonly string[];
  /** gRPC connections; HTTP/1.1 has one per call in progress. */
  readonly connections: number;
  /** Callers of a closed loop: each sends its next call after the answer. */
  readonly callers: number;
  /** Calls per second of an open loop; 0 for a closed one. */
  readonly rate: number;
  readonly warm_up_seconds: number;
  readonly seconds: number;
  /** Total number of calls; 0 for no limit. */
  readonly limit: number;
  readonly timeout_ms: number;
  /** Whether the report has the answers. */
  readonly keep: boolean;
  readonly requests: readonly Request[];
}

export interface Request {
  /** POST without it. */
  readonly method?: string;
  readonly path: string;
  /** In base64; of gRPC with its frame. */
  readonly body?: string;
}

/** The report of a generator. Latencies are of successful calls, from their scheduled time. */
export interface Report {
  /** Successful calls, those of the warm-up included. */
  readonly all: number;
  /** Successful calls after the warm-up. */
  readonly calls: number;
  /** Others, by status. */
  readonly failed: Readonly<Record<string, number>>;
  /** Calls of an open loop that were due while too many were in progress. */
  readonly unsent: number;
  readonly seconds: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** Processor time of the generator. */
  readonly cpu_seconds: number;
  /** The warm-up included. */
  readonly run_seconds: number;
  /** Of half a second each. */
  readonly windows: readonly Window[];
  /** `status body` by the call's number, from 0. */
  readonly answers: Readonly<Record<string, string>>;
  readonly first_error: string;
}

export interface Window {
  readonly calls: number;
  readonly failed: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
}
