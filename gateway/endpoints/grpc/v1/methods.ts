import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { Channel } from '../../../../engine/wire/layout.ts';
import type { Identity, Visit } from '../../../identity/identity.ts';
import type { Principal } from '../../../identity/principal.ts';
import type { MarketData } from '../../../market/market-data.ts';
import { file_google_rpc_error_details } from '../../../protobuf/generated/google/rpc/error_details_pb.ts';
import { file_google_rpc_status } from '../../../protobuf/generated/google/rpc/status_pb.ts';
import { Health } from '../../../protobuf/generated/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '../../../protobuf/generated/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../../../protobuf/generated/grpc/reflection/v1alpha/reflection_pb.ts';
import { Admin } from '../../../protobuf/generated/openbell/v1/admin_pb.ts';
import { MarketData as MarketDataService } from '../../../protobuf/generated/openbell/v1/market_data_pb.ts';
import { Trading } from '../../../protobuf/generated/openbell/v1/trading_pb.ts';
import type { OrderSessions } from '../../../sessions/order-sessions.ts';
import type { Operations } from '../../operations.ts';
import { admit } from '../admission.ts';
import type { GrpcCall } from '../call.ts';
import { MarketStreams } from './market-streams.ts';
import { OpenCalls } from './open-calls.ts';
import { OPERATIONS } from './operation-table.ts';
import { DescribedServices, Reflection } from './reflection.ts';
import { ReportStreams } from './report-streams.ts';
import { richStatusOf } from './rich-status.ts';
import { type SymbolSource, SymbolTable } from './symbol-table.ts';
import { serveUnary } from './unary.ts';

/** What the services of proto/ are made of. */
export interface DescribedSources {
  readonly identity: Identity;
  readonly operations: Operations;
  readonly sessions: OrderSessions;
  readonly symbols: SymbolSource;
  readonly market: MarketData;
}

/** The methods of openbell.v1 and of server reflection. */
export interface DescribedMethods {
  readonly byPath: ReadonlyMap<string, (call: GrpcCall) => void>;
  /** Ends what would delay a stop, but for the sessions of orders. */
  readonly end: () => void;
}

export function describedMethods(sources: DescribedSources): DescribedMethods {
  const open = new OpenCalls();
  const methods = new Map<string, (call: GrpcCall) => void>();
  const add = (method: DescMethod, serve: (call: GrpcCall, principal: Principal, visit: Visit) => void): void => {
    const path = `${method.parent.typeName}/${method.name}`;
    methods.set(`/${path}`, (call) =>
      admit(call, `gRPC ${path}`, sources.identity, sources.sessions, richStatusOf, (principal, visit) => serve(call, principal, visit)),
    );
  };
  for (const service of [Trading, MarketDataService, Admin] as readonly DescService[]) {
    for (const method of service.methods) {
      const served = OPERATIONS[`${service.name}/${method.name}`];
      if (served !== undefined)
        add(method, (call, principal, visit) => serveUnary(call, method, served, sources.operations, { principal, visit }));
    }
  }
  const symbols = new SymbolTable(sources.symbols);
  const market = new MarketStreams(sources.market, sources.identity, symbols, open);
  const { subscribeBook, subscribeTrades, subscribeStatus } = MarketDataService.method;
  const channels = [
    [subscribeBook, Channel.Book],
    [subscribeTrades, Channel.Trades],
    [subscribeStatus, Channel.Status],
  ] as const;
  for (const [method, channel] of channels) add(method, (call, ...caller) => market.subscribe(call, method.input, channel, ...caller));
  const reports = new ReportStreams(sources.sessions, symbols);
  add(Trading.method.session, (...call) => reports.session(...call));
  add(Trading.method.subscribeReports, (...call) => reports.subscribe(...call));
  // With the details of errors, so that tools can show them.
  const described = new DescribedServices(
    [Trading, MarketDataService, Admin, Health, ServerReflection, ServerReflectionAlpha],
    [file_google_rpc_status, file_google_rpc_error_details],
  );
  for (const {
    methods: [info],
  } of [ServerReflection, ServerReflectionAlpha])
    add(info, (call) => new Reflection(call, described, open));
  return { byPath: methods, end: () => open.end() };
}
