/**
 * The venue of an exchange that is started without a configuration file, in the
 * format of one; docs/openbell.example.yaml explains each key.
 */
export const DEMO_VENUE = `
assets:
  - { id: 1, name: USD, decimals: 6 }
  - { id: 2, name: BTC, decimals: 8 }
  - { id: 3, name: ETH, decimals: 8 }
  - { id: 4, name: SOL, decimals: 6 }
symbols:
  - id: 1
    name: BTC-USD
    base: BTC
    quote: USD
    tick: 0.01
    lot: 0.0001
    reference-price: 60000.00
    price-band: 20%
    limits: { max-price: 500000.00, max-quantity: 1000, min-notional: 1, max-notional: 50000000 }
    fees: { maker: 0.02%, taker: 0.05% }
  - id: 2
    name: ETH-USD
    base: ETH
    quote: USD
    tick: 0.01
    lot: 0.0001
    reference-price: 3000.00
    price-band: 20%
    limits: { max-price: 50000.00, max-quantity: 10000, min-notional: 1, max-notional: 50000000 }
    fees: { maker: 0.02%, taker: 0.05% }
  - id: 3
    name: SOL-USD
    base: SOL
    quote: USD
    tick: 0.001
    lot: 0.001
    reference-price: 150.000
    price-band: 20%
    limits: { max-price: 5000.000, max-quantity: 100000, min-notional: 1, max-notional: 50000000 }
    fees: { maker: 0.02%, taker: 0.05% }
  - id: 4
    name: ETH-BTC
    base: ETH
    quote: BTC
    tick: 0.00001
    lot: 0.001
    reference-price: 0.05000
    price-band: 20%
    limits: { max-price: 1.00000, max-quantity: 10000, max-notional: 1000 }
    fees: { maker: -0.005%, taker: 0.05% }
accounts:
${[1, 2, 3, 4, 5].map((id) => account(id, `demo-${id}`, '10000000', '1000', '10000', '100000')).join('\n')}
${[6, 7].map((id) => account(id, `sim-taker-${id}`, '100000000', '10000', '100000', '1000000')).join('\n')}
${[8, 9, 10].map((id) => account(id, `sim-maker-${id}`, '100000000', '10000', '100000', '1000000')).join('\n')}
simulator: { makers: [8, 9, 10], takers: [6, 7] }
`;

function account(id: number, name: string, usd: string, btc: string, eth: string, sol: string): string {
  return `  - { id: ${id}, name: ${name}, deposits: { USD: ${usd}, BTC: ${btc}, ETH: ${eth}, SOL: ${sol} } }`;
}
