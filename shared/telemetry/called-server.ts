/** The server of a client's calls, by its configured address. */
export interface CalledServer {
  /** The name of the service in its own telemetry, if it has any. */
  readonly service: string;
  readonly address: string;
  readonly port: number;
}

export function serverAttributes({ service, address, port }: CalledServer) {
  return { "server.address": address, "server.port": port, "server.service.name": service };
}

export function serverLabels({ service, address, port }: CalledServer) {
  return { server_address: address, server_port: port, server_service_name: service };
}

/** The labels that {@link serverLabels} fills. */
export const SERVER_LABELS = ["server_address", "server_port", "server_service_name"] as const;
