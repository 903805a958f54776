import { failures } from '../domain/failure.ts'

const wrongUrl = 'Check that url leads to a SmartServer (port 8443 up to release 2.7).'
const noAction = 'Nothing has to be done unless it lasts: the program tries again by itself.'
const busyGateway =
  'The gateway may be starting or overloaded. If it lasts, look at its CPU load and lower requestsPerMinute.'
const bug = 'This is a bug: please report it with the log.'

/** Failures of the conversation with a gateway. */
export const gatewayFailure = failures({
  'gateway-clock-lost': {
    retry: 'later',
    reach: 'gateway',
    meaning: 'The clock of the gateway shows a time that cannot be right, for example 1970 after a power cut.',
    advice:
      'Nothing is asked for until the clock is right, and no proof is lost. Set the time of the gateway, or check its time server and its battery.',
  },
  'gateway-unreachable': {
    retry: 'soon',
    reach: 'gateway',
    meaning: 'No connection to the gateway can be made.',
    advice: 'Check url, network and power of the gateway.',
  },
  'no-tls': {
    retry: 'later',
    reach: 'gateway',
    meaning: 'What answers at the host and port of the gateway does not speak TLS.',
    advice: 'Check host and port of url: TLS is at 443, and at 8443 up to release 2.7.',
  },
  'tls-incompatible': {
    retry: 'never',
    reach: 'gateway',
    meaning: 'The gateway and this program cannot agree on TLS: it has old versions or ciphers alone, or wants more.',
    advice:
      'This program takes TLS 1.2 and 1.3. Update the release of the gateway, or put a proxy that speaks both in front of it.',
  },
  'connection-forbidden': {
    retry: 'later',
    reach: 'gateway',
    meaning: 'This machine does not let the program connect: a firewall, a container or SELinux.',
    advice: 'Allow connections of this program to host and port of url.',
  },
  'too-many-files': {
    retry: 'later',
    reach: 'gateway',
    meaning: 'This process, or this machine, can open no more files and sockets.',
    advice: 'Raise the limit: "ulimit -n 1024" in the shell, LimitNOFILE=1024 in the systemd unit.',
  },
  'untrusted-certificate': {
    retry: 'never',
    reach: 'gateway',
    meaning: "The gateway's certificate is not signed by a trusted authority, has expired or is for another host.",
    advice: 'Pin its certificate (tls: { fingerprint256: … }) or name its CA (tls: { ca: … }).',
  },
  'wrong-fingerprint': {
    retry: 'never',
    reach: 'gateway',
    meaning: 'The gateway shows another certificate than the one that the configuration pins.',
    advice:
      'If its certificate was renewed on purpose, put the new fingerprint256 into the configuration; otherwise another machine may be answering in its place.',
  },
  'connection-broken': {
    retry: 'soon',
    reach: 'request',
    meaning: 'The connection to the gateway broke during a request.',
    advice: noAction,
  },
  'gateway-silent': {
    retry: 'soon',
    reach: 'gateway',
    meaning: 'The gateway accepted a connection but did not answer in time.',
    advice: `${wrongUrl} A gateway that is starting or overloaded answers late.`,
  },
  'open-timeout': {
    retry: 'soon',
    reach: 'gateway',
    meaning: 'The gateway did not open a data-log socket in time.',
    advice: busyGateway,
  },
  'login-rejected': {
    retry: 'never',
    reach: 'gateway',
    // repeated tries lock the account (protocol §1)
    retryAfterMs: 1_800_000,
    meaning: 'The gateway rejects the user name or the password.',
    advice:
      'Check username and password before the next try: repeated tries lock the account, and each command is one. A running process does not try again for half an hour.',
  },
  'login-locked': {
    retry: 'later',
    reach: 'gateway',
    // the vendor's own flow waits this long (protocol §1)
    retryAfterMs: 300_000,
    meaning: 'The gateway has locked the login after too many failed ones.',
    advice: 'Check username and password, and try again in 5 minutes.',
  },
  'login-failed': {
    retry: 'later',
    reach: 'gateway',
    meaning: 'The gateway answers the login with an unexpected status.',
    advice: `${wrongUrl} After its start a gateway may need up to 8 minutes.`,
  },
  'no-cookie': {
    retry: 'later',
    reach: 'gateway',
    meaning: 'The gateway accepts the login but sets no cookie cmsSID.',
    advice: 'Check that url leads to a SmartServer, without a proxy that strips cookies.',
  },
  'login-not-honoured': {
    retry: 'later',
    reach: 'gateway',
    // a gateway that forgets each login at once may have just started
    retryAfterMs: 120_000,
    meaning: 'The gateway does not accept a login that it has given a moment before.',
    advice: 'The gateway may just have started. If it lasts, restart it and check that no proxy changes cookies.',
  },
  'rest-not-logged-in': {
    retry: 'later',
    reach: 'gateway',
    meaning: 'The gateway answers a REST call as if the program were not logged in.',
    advice: 'Look in the CMS what this login may do.',
  },
  'upgrade-not-logged-in': {
    retry: 'soon',
    reach: 'request',
    meaning: 'The gateway refuses a socket as if the program were not logged in.',
    advice: 'Look in the CMS what this login may do.',
  },
  'upgrade-refused': {
    retry: 'later',
    reach: 'request',
    meaning: 'The gateway refuses to open a socket for this request.',
    advice: 'Look in the CMS what this login may do, and whether the gateway logs these datapoints.',
  },
  'upgrade-unavailable': {
    retry: 'soon',
    reach: 'gateway',
    meaning: 'The gateway opens no sockets at the moment (status 502, 503 or 504).',
    advice: busyGateway,
  },
  'too-fast': {
    retry: 'later',
    reach: 'gateway',
    // what the vendor's own flow waits after a 429 that is not about failed logins (protocol §1)
    retryAfterMs: 120_000,
    meaning: 'The gateway asks for fewer requests (status 429).',
    advice: 'Lower requestsPerMinute, and look for other programs that use the gateway at the same time.',
  },
  'rest-busy': {
    retry: 'soon',
    reach: 'gateway',
    meaning: 'The gateway answers a REST call with an internal error (status 500 and above).',
    advice: busyGateway,
  },
  'rest-unsupported': {
    retry: 'later',
    reach: 'gateway',
    meaning: 'The gateway does not know a REST call (status 400, 404, 405 or 501).',
    advice: `${wrongUrl} Its release may not offer this call.`,
  },
  'rest-refused': {
    retry: 'later',
    reach: 'gateway',
    meaning: 'The gateway refuses a REST call.',
    advice: 'Look in the CMS what this login may do.',
  },
  'rest-not-json': {
    retry: 'later',
    reach: 'gateway',
    meaning: 'The gateway answers a REST call with something other than JSON.',
    advice: wrongUrl,
  },
  'rest-odd-list': {
    retry: 'later',
    reach: 'gateway',
    meaning: 'The gateway answers with something other than the list that was asked for.',
    advice: `${wrongUrl} If it is one, please report its release.`,
  },
  'list-unstable': {
    retry: 'later',
    reach: 'gateway',
    meaning: 'A list of the gateway changes faster than it can be read.',
    advice: 'Try again when no one changes devices on the gateway.',
  },
  'answer-too-large': {
    retry: 'never',
    reach: 'request',
    meaning: 'An answer of the gateway is larger than the program accepts.',
    advice: 'Please report which call it was and how many devices the gateway has.',
  },
  'device-name-differs': {
    retry: 'soon',
    reach: 'request',
    meaning: 'Entries of a device that is asked for by its id bear another name than before.',
    advice:
      'The program reads the list of devices and goes on where the device was renamed. Where the id means another device now, it stops asking and reports the new id.',
  },
  'no-end': {
    retry: 'soon',
    reach: 'request',
    meaning: 'The gateway closed a data-log socket before "end": the answer is not complete.',
    advice: 'The program asks again, for shorter ranges each time. If it lasts, look at the CPU load of the gateway.',
  },
  silence: {
    retry: 'soon',
    reach: 'request',
    meaning: 'The gateway sent nothing for the idle timeout in the middle of a data log.',
    advice: 'If it lasts, look at the CPU load of the gateway, or raise idleTimeout.',
  },
  'too-slow': {
    retry: 'soon',
    reach: 'request',
    meaning: 'The gateway sends a data log so slowly, or for so long, that the request was ended.',
    advice:
      'The program asks again, for shorter ranges each time, and parks a range that stays so slow. Look at the CPU load of the gateway.',
  },
  'gateway-error': {
    retry: 'soon',
    reach: 'request',
    meaning: 'The gateway answered a data-log request with an error message: the answer is not complete.',
    advice: 'The program asks again. If it lasts, read the message in the log and look in the CMS for a fault.',
  },
  'frame-after-end': {
    retry: 'soon',
    reach: 'request',
    meaning: 'The gateway sent frames after "end": whether the answer is complete is not known.',
    advice: noAction,
  },
  'frame-too-large': {
    retry: 'later',
    reach: 'request',
    meaning: 'The gateway sent a frame that is larger than the program accepts.',
    advice: 'The range is made smaller and in the end parked. Look in the CMS for a datapoint with very large values.',
  },
  'bad-websocket': {
    retry: 'soon',
    reach: 'request',
    meaning: 'The gateway broke the WebSocket protocol.',
    advice: 'If it lasts, look for a proxy between this machine and the gateway.',
  },
  'general-socket-silent': {
    retry: 'soon',
    reach: 'request',
    meaning: 'The general socket answered no ping.',
    advice: noAction,
  },
  'general-socket-closed': {
    retry: 'soon',
    reach: 'request',
    meaning: 'The gateway closed the general socket.',
    advice: noAction,
  },
  'session-closed': {
    retry: 'never',
    reach: 'gateway',
    meaning: 'The connection to the gateway was used after it had been closed.',
    advice: bug,
  },
  'bad-range': {
    retry: 'never',
    reach: 'run',
    meaning: 'A request has a time range that no query can express.',
    advice: bug,
  },
  'bad-query': {
    retry: 'never',
    reach: 'run',
    meaning: 'A request has a name or an index that no query can express.',
    advice: 'Name the device by { id: …, as: … } in the configuration. If that does not help, please report it.',
  },
})

export type GatewayCode = keyof typeof gatewayFailure.rows
