/** What Node and the HTTP client call a failed connection, in words for people. */
import { UpstreamFault, type FaultKind } from './upstream-fault.ts';

const known: Record<string, [FaultKind, string]> = {
  ECONNREFUSED: ['connect', 'the upstream refuses the connection'],
  EHOSTUNREACH: ['connect', 'the upstream cannot be reached'],
  ENETUNREACH: ['connect', 'the network is away'],
  ETIMEDOUT: ['connect', 'the upstream does not answer'],
  UND_ERR_CONNECT_TIMEOUT: ['connect', 'no connection to the upstream in time'],
  UND_ERR_DESTROYED: ['connect', 'the connection to the cloud is closed'],
  UND_ERR_CLOSED: ['connect', 'the connection to the cloud is closed'],
  ENOTFOUND: ['dns', 'the name of the upstream has no address'],
  EAI_AGAIN: ['dns', 'the name of the upstream cannot be looked up'],
  CERT_HAS_EXPIRED: ['tls', "the upstream's certificate has expired"],
  CERT_NOT_YET_VALID: ['tls', "the upstream's certificate is not valid yet"],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['tls', "the upstream's certificate is self-signed"],
  SELF_SIGNED_CERT_IN_CHAIN: ['tls', "the upstream's certificate comes from an unknown authority"],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['tls', "the upstream's certificate comes from an unknown authority"],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['tls', "the upstream's certificate comes from an unknown authority"],
  ERR_TLS_CERT_ALTNAME_INVALID: ['tls', "the upstream's certificate is for another name"],
  ERR_SSL_WRONG_VERSION_NUMBER: ['tls', 'the upstream does not speak TLS'],
  EPROTO: ['tls', 'the upstream does not speak TLS'],
};

/** @param midAnswer the connection stood and the answer had begun */
export function connectionFault(error: unknown, midAnswer = false): UpstreamFault {
  if (error instanceof UpstreamFault) return error;
  const code = codeOf(error);
  const found = code === undefined ? undefined : known[code];
  if (found !== undefined) return new UpstreamFault(found[0], found[1], { cause: error });
  if (code?.startsWith('ERR_SSL_') === true) {
    return new UpstreamFault('tls', 'the TLS handshake with the upstream failed', { cause: error });
  }
  const message = midAnswer ? 'the answer broke off before its end' : 'the upstream broke the connection';
  return new UpstreamFault(midAnswer ? 'half-stream' : 'broken', message, { cause: error });
}

/** A failed connection to several addresses hides the code one level down. */
function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, errors, cause } = error as { code?: unknown; errors?: unknown; cause?: unknown };
  if (typeof code === 'string') return code;
  if (Array.isArray(errors)) return codeOf(errors[0]);
  return cause === undefined ? undefined : codeOf(cause);
}
