import { describe, expect, it } from 'vitest'
import { type Ending, exitCodeOf, outcomeJson, tellFailure, tellOutcome } from '../../../src/cli/outcome.ts'
import { createTerminal } from '../../../src/cli/terminal.ts'
import { Failure } from '../../../src/domain/failure.ts'
import { emptyReceipt, type Receipt } from '../../../src/domain/receipt.ts'

const away = new Failure('the gateway cannot be reached', {
  code: 'gateway-unreachable',
  retry: 'soon',
  reach: 'gateway',
  advice: 'Check its power.',
})

type Gateway = Ending['gateways'][number]

function outcome(receipt: Partial<Receipt> = {}, gateway: Partial<Gateway> = {}, requests = 3): Ending {
  const whole = { ...emptyReceipt(), ...receipt }
  const base = {
    gateway: 'plant-a',
    requests,
    receipt: whole,
    parked: 0,
    leftMs: 0,
    isShort: false,
    problems: [],
    ruleChanges: [],
    remarks: [],
    failure: undefined,
  }
  const range = { clockDifferenceMs: 0, settled: { after: 0, until: 60_000 }, provisionalAfter: undefined }
  return {
    gateways: [{ ...base, ...range, ...gateway }],
    requests,
    receipt: whole,
    tookMs: 2_000,
    deadLetters: { open: whole.rejected, discarded: [] },
  }
}

function told(tell: (terminal: ReturnType<typeof createTerminal>) => void): { out: string; err: string } {
  const said = { out: '', err: '' }
  const stream = (name: 'out' | 'err') => ({
    write: (text: string) => {
      said[name] += text
    },
  })
  tell(createTerminal(stream('out'), stream('err')))
  return said
}

describe('the outcome of a run', () => {
  it.each<[string, Ending, number, boolean]>([
    ['all was done', outcome({ received: 5, written: 5 }), 0, true],
    ['there was nothing to do', outcome({}, {}, 0), 0, true],
    ['entries were rejected', outcome({ received: 5, written: 4, rejected: 1 }), 3, false],
    [
      'dead letters of an earlier run are there',
      { ...outcome({}, {}, 0), deadLetters: { open: 2, discarded: [] } },
      3,
      false,
    ],
    ['a range was parked', outcome({ received: 5, written: 5 }, { parked: 1 }), 3, false],
    ['nothing had settled yet', outcome({}, { settled: { after: 60_000, until: 60_000 } }, 0), 3, false],
    ['something was left for the next run', outcome({}, { leftMs: 1 }), 3, false],
    ['a gateway was given up', outcome({ received: 5, written: 5 }, { failure: away }), 1, false],
    ['all of it together', outcome({ rejected: 1, received: 1 }, { failure: away, parked: 2 }), 1, false],
  ])('where %s ends the process with its own code', (_, run, code, complete) => {
    expect(exitCodeOf(run)).toBe(code)
    expect(JSON.parse(outcomeJson(run))).toMatchObject({ complete })
  })

  it('as JSON has the counts, and says whether it is complete', () => {
    const receipt = {
      received: 21,
      outside: 1,
      future: 1,
      duplicate: 2,
      collapsed: 1,
      empty: 3,
      written: 10,
      rejected: 5,
      bytes: 9,
    }
    expect(JSON.parse(outcomeJson(outcome(receipt)))).toMatchObject({
      complete: false,
      deadLetters: 5,
      requests: 3,
      received: 21,
      outside: 1,
      future: 1,
      duplicate: 2,
      empty: 3,
      written: 10,
      rejected: 5,
      tookMs: 2_000,
    })
    expect(JSON.parse(outcomeJson(outcome({}, { parked: 1 })))).toMatchObject({ complete: false })
    expect(outcomeJson(outcome()).includes('\n')).toBe(false)
  })

  it('in words names each count that is not nought, and the rate', () => {
    const { out } = told(terminal =>
      tellOutcome(outcome({ received: 3_000, written: 2_990, duplicate: 10 }), 'SQLite points.db', terminal),
    )
    expect(out).toContain('3,000 entries')
    expect(out).toContain('1,500/s')
    expect(out).toContain('2,990')
    expect(out).toContain('SQLite points.db')
    expect(out).toMatch(/\b10\b.*duplicate/)
    expect(out).not.toMatch(/rejected|outside|empty/)
    expect(out).toContain('Complete')
  })

  it('in words of no entry at all promises no list', () => {
    const { out } = told(terminal => tellOutcome(outcome(), 'SQLite', terminal))
    expect(out).toMatch(/^0 entries received in 3 requests, 2\.0 s\.\nComplete/)
  })

  it('in words counts apart what is only too old for the database', () => {
    const receipt = { received: 10, written: 3, rejected: 7, tooOld: 5 }
    const { out } = told(terminal => tellOutcome(outcome(receipt), 'InfluxDB', terminal))
    expect(out).toMatch(/\b2\b.*rejected.*dead letters/)
    expect(out).toMatch(/\b5\b.*older than the database keeps/)
    expect(JSON.parse(outcomeJson(outcome(receipt)))).toMatchObject({ rejected: 7, tooOld: 5 })
  })

  it('in words says up to when it is complete, and what will be read again', () => {
    const { out } = told(terminal => tellOutcome(outcome({}, { provisionalAfter: 0 }), 'SQLite', terminal))
    expect(out).toContain('Complete up to 1970-01-01 00:01 UTC. Entries after 1970-01-01 00:00 will be read again')
    const json = JSON.parse(outcomeJson(outcome({}, { provisionalAfter: 0 })))
    expect(json).toMatchObject({ upTo: '1970-01-01T00:01:00.000Z', provisionalAfter: '1970-01-01T00:00:00.000Z' })
    const early = { settled: { after: 0, until: 0 } }
    expect(told(terminal => tellOutcome(outcome({}, early, 0), 'SQLite', terminal)).out).toMatch(
      /nothing.*has settled yet/,
    )
  })

  it('in words warns once of entries from the future, with their gateway', () => {
    const receipt = { ...emptyReceipt(), received: 10, outside: 2, future: 2, written: 8 }
    const { err } = told(terminal => tellOutcome(outcome(receipt, { receipt }), 'x', terminal))
    expect(err).toMatch(/^plant-a: 2 entries that were not asked for are later than the gateway's own clock.*\n$/)
    expect(told(terminal => tellOutcome(outcome({ received: 8, written: 8 }), 'x', terminal)).err).toBe('')
  })

  it('in words does not say that the larger value is kept where the database cannot replace one', () => {
    const receipt = { received: 10, written: 8, duplicate: 2, collapsed: 1 }
    expect(told(terminal => tellOutcome(outcome(receipt), 'x', terminal)).out).toMatch(/larger one is kept/)
    expect(told(terminal => tellOutcome(outcome(receipt), 'x', terminal, false)).out).toMatch(/may keep both/)
  })

  it('in words does not call complete what is not, and says what is missing and what to do', () => {
    const { out, err } = told(terminal =>
      tellOutcome(outcome({ received: 5, written: 5 }, { failure: away, parked: 2 }), 'SQLite', terminal),
    )
    expect(out).not.toContain('Complete:')
    expect(out).toMatch(/plant-a.*2 ranges/)
    expect(err).toContain('plant-a: the gateway cannot be reached')
    expect(err).toContain('Check its power.')
  })

  it('in words says so where nothing was to be done', () => {
    const { out } = told(terminal => tellOutcome(outcome({}, {}, 0), 'SQLite points.db', terminal))
    expect(out).toMatch(/^Nothing to transfer/)
    const lacking = { ...outcome({}, {}, 0), deadLetters: { open: 2, discarded: [] } }
    expect(told(terminal => tellOutcome(lacking, 'SQLite points.db', terminal)).out).toMatch(
      /^Nothing to transfer: every range was received already, but 2 entries .* could not be written/,
    )
    const failed = told(terminal => tellOutcome(outcome({}, { failure: away }, 0), 'SQLite points.db', terminal))
    expect(failed.out).not.toMatch(/^Nothing to transfer/)
  })
})

describe('a failure for a person', () => {
  it('says what and what to do, without a stack', () => {
    const { err } = told(terminal => tellFailure(away, terminal, 'plant-a: '))
    expect(err.trimEnd().split('\n')).toEqual(['plant-a: the gateway cannot be reached', '  Check its power.'])
    expect(told(terminal => tellFailure({ message: 'no', advice: undefined }, terminal)).err).toBe('no\n')
  })
})
