import { writeFileSync } from 'node:fs'
import { commandFailure } from '../src/cli/failures.ts'
import { configFailure } from '../src/config/failures.ts'
import { deadLetterFailure } from '../src/dead-letters/failures.ts'
import { type FailureRow, ownFailure, type Reach, type Retry } from '../src/domain/failure.ts'
import { ledgerFailures } from '../src/ledger/failures.ts'
import { transferFailure } from '../src/pipeline/failures.ts'
import { serviceFailure } from '../src/service/failures.ts'
import { sinkFailure } from '../src/sinks/failures.ts'
import { gatewayFailure } from '../src/smartserver/failures.ts'

/** The table of each edge, in the order of the page. */
export const tables: Readonly<Record<string, Readonly<Record<string, FailureRow>>>> = {
  Commands: commandFailure.rows,
  Configuration: configFailure.rows,
  Gateway: gatewayFailure.rows,
  'Transfers and bundles': transferFailure.rows,
  Database: sinkFailure.rows,
  Ledger: ledgerFailures.rows,
  'Dead letters': deadLetterFailure.rows,
  'The daemon': serviceFailure.rows,
  'The program itself': ownFailure.rows,
}

const what: Readonly<Record<Reach, string>> = {
  request: 'this request',
  gateway: 'this gateway',
  sink: 'the database',
  run: 'the run',
}

/** For each reach, what a person sees of the three decisions; the index of the page goes by it. */
const symptoms: Readonly<Record<Reach, Readonly<Record<Retry, string>>>> = {
  request: {
    soon: 'A request fails and is sent again, or a range is parked',
    later: 'A request fails and is sent again, or a range is parked',
    never: 'A range is parked after one failure',
  },
  gateway: {
    soon: 'One gateway brings nothing for some time',
    later: 'One gateway brings nothing for some time',
    never: 'One gateway is given up for this run, the others go on',
  },
  sink: {
    soon: 'No gateway is asked, because the database does not answer',
    later: 'The run ends because of the database',
    never: 'The run ends because of the database',
  },
  run: {
    soon: 'The command ends with a failure',
    later: 'The command ends with a failure',
    never: 'The command ends with a failure',
  },
}

/** What the program does about it: law 9 in words. */
function reactionOf({ retry, reach, retryAfterMs }: FailureRow): string {
  const wait = retryAfterMs === undefined ? '' : `, not before ${retryAfterMs / 60_000} minutes`
  if (reach === 'run') return 'Ends the run.'
  if (reach === 'sink')
    return retry === 'soon' ? `Waits for the database and goes on${wait}.` : `Ends the run; a sync tries again${wait}.`
  if (reach === 'gateway')
    return retry === 'never'
      ? `Gives up this gateway for this run${wait}. The other gateways go on.`
      : `Waits, longer each time, and tries ${what[reach]} again${wait}.`
  return retry === 'never'
    ? 'Divides the range down to the shortest, which is parked.'
    : 'Sends it again, then in halves; the shortest range that still fails is parked.'
}

function anchorOf(code: string): string {
  return `[\`${code}\`](#${code})`
}

/** docs/troubleshooting.md, as the tables have it now. */
export function troubleshootingPage(): string {
  const rows = Object.values(tables).flatMap(table => Object.entries(table))
  const bySymptom = Map.groupBy(rows, ([, { reach, retry }]) => symptoms[reach][retry])
  return [
    '# Troubleshooting',
    '',
    'Every failure has a code. It stands in the log (`code`), in `--json` output and in the metric of failures. Find it here with what it',
    'means, what the program does by itself, and what to do. Nothing that is incomplete is ever recorded as complete.',
    '',
    'This page is generated from the tables in the source (`failures.ts` of each folder) by `npm run docs`.',
    '',
    '## By symptom',
    '| you see | it can be |',
    '|---|---|',
    ...[...bySymptom].map(([symptom, found]) => `| ${symptom} | ${found.map(([code]) => anchorOf(code)).join(' ')} |`),
    ...Object.entries(tables).flatMap(([edge, table]) => [
      '',
      `## ${edge}`,
      ...Object.entries(table).flatMap(([code, row]) => [
        '',
        `### \`${code}\``,
        `- Means: ${row.meaning}`,
        `- The program: ${reactionOf(row)}`,
        `- You: ${row.advice}`,
      ]),
    ]),
    '',
  ].join('\n')
}

if (import.meta.main) writeFileSync(new URL('../docs/troubleshooting.md', import.meta.url), troubleshootingPage())
