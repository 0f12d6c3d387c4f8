import { readFileSync } from 'node:fs';

/** Ports of one Envoy; all on loopback. */
export interface EnvoyPorts {
  readonly listen: number;
  /** gRPC port of the exchange. */
  readonly upstream: number;
}

/**
 * A minimal Envoy: HTTP/2 in, HTTP/2 out, no filters except the
 * router, no time limits (by default a stream ends after 15 s), no access log
 * and no statistics per route. It adds only the cost of the hop.
 * Envoy reads JSON as YAML.
 */
export function envoyConfig({ listen, upstream }: EnvoyPorts): string {
  const types = 'type.googleapis.com/envoy.extensions';
  const address = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
  const windows = { initial_stream_window_size: 4_194_304, initial_connection_window_size: 4_194_304 };
  return JSON.stringify(
    {
      static_resources: {
        listeners: [
          {
            name: 'orders',
            address: address(listen),
            filter_chains: [
              {
                filters: [
                  {
                    name: 'envoy.filters.network.http_connection_manager',
                    typed_config: {
                      '@type': `${types}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
                      stat_prefix: 'orders',
                      codec_type: 'HTTP2',
                      stream_idle_timeout: '0s',
                      request_timeout: '0s',
                      common_http_protocol_options: { idle_timeout: '0s' },
                      http2_protocol_options: windows,
                      route_config: {
                        virtual_hosts: [
                          {
                            name: 'orders',
                            domains: ['*'],
                            routes: [{ match: { prefix: '/' }, route: { cluster: 'exchange', timeout: '0s', idle_timeout: '0s' } }],
                          },
                        ],
                      },
                      http_filters: [
                        { name: 'envoy.filters.http.router', typed_config: { '@type': `${types}.filters.http.router.v3.Router` } },
                      ],
                    },
                  },
                ],
              },
            ],
          },
        ],
        clusters: [
          {
            name: 'exchange',
            type: 'STATIC',
            connect_timeout: '5s',
            load_assignment: {
              cluster_name: 'exchange',
              endpoints: [{ lb_endpoints: [{ endpoint: { address: address(upstream) } }] }],
            },
            typed_extension_protocol_options: {
              'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
                '@type': `${types}.upstreams.http.v3.HttpProtocolOptions`,
                common_http_protocol_options: { idle_timeout: '0s' },
                explicit_http_config: { http2_protocol_options: windows },
              },
            },
          },
        ],
      },
    },
    undefined,
    2,
  );
}

/** @param file a user's bootstrap with LISTEN_PORT and UPSTREAM_PORT as placeholders for the ports */
export function ownConfig(file: string, { listen, upstream }: EnvoyPorts): string {
  return readFileSync(file, 'utf8').replaceAll('LISTEN_PORT', String(listen)).replaceAll('UPSTREAM_PORT', String(upstream));
}
