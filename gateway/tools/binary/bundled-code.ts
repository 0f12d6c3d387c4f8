import { NODE_LICENCE } from './node-executable.ts';

/** Code of others that is compiled into what npm delivers, and so is in no lockfile. */
export interface BundledCode {
  readonly name: string;
  /** undefined where the package that contains it does not state it. */
  readonly version?: string;
  /** SPDX expression. */
  readonly licence: string;
  /** Path of the lockfile's package that carries it. */
  readonly inside: string;
  /** Path of the licence's text from the repository's root, where there is one. */
  readonly text?: string;
}

const UWS = 'node_modules/uWebSockets.js';
const LMDB = 'node_modules/lmdb';
const APACHE = 'node_modules/@grpc/grpc-js/LICENSE';

/** Names in `process.versions`, as far as they are libraries, and their licences. The texts are in Node's own LICENSE. */
const IN_NODE: Readonly<Record<string, string>> = {
  acorn: 'MIT',
  ada: 'MIT',
  amaro: 'MIT',
  ares: 'MIT',
  brotli: 'MIT',
  cjs_module_lexer: 'MIT',
  icu: 'Unicode-3.0',
  llhttp: 'MIT',
  nbytes: 'MIT',
  ncrypto: 'MIT',
  nghttp2: 'MIT',
  openssl: 'Apache-2.0',
  simdjson: 'Apache-2.0',
  simdutf: 'MIT',
  sqlite: 'blessing',
  undici: 'MIT',
  uv: 'MIT',
  uvwasi: 'MIT',
  v8: 'BSD-3-Clause',
  zlib: 'Zlib',
  zstd: 'BSD-3-Clause',
};

/** What is compiled into the Node that runs this, and into the add-ons. */
export function bundledCode(): BundledCode[] {
  const inNode = Object.entries(IN_NODE).map(([name, licence]) => ({
    name,
    version: process.versions[name],
    licence,
    inside: 'node_modules/node',
    text: NODE_LICENCE,
  }));
  return [
    { name: 'liblmdb', licence: 'OLDAP-2.8', inside: LMDB, text: `${LMDB}/dependencies/lmdb/libraries/liblmdb/LICENSE` },
    { name: 'lz4', licence: 'BSD-2-Clause', inside: LMDB, text: `${LMDB}/dependencies/lz4/LICENSE` },
    { name: 'uWebSockets.js', licence: 'Apache-2.0', inside: UWS, text: APACHE },
    { name: 'uWebSockets', licence: 'Apache-2.0', inside: UWS, text: APACHE },
    { name: 'uSockets', licence: 'Apache-2.0', inside: UWS, text: APACHE },
    { name: 'boringssl', licence: 'OpenSSL AND ISC', inside: UWS },
    { name: 'lsquic', licence: 'MIT', inside: UWS },
    { name: 'zlib', licence: 'Zlib', inside: UWS },
    ...inNode,
  ];
}
