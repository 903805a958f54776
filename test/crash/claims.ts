import { type Differences, differences } from '../support/differences.ts'
import { runProgram } from '../support/program.ts'
import { type Cell, cellsOf, expectedCells } from '../support/truth.ts'
import type { Stage } from './stage.ts'

interface Range {
  readonly after: number
  readonly until: number
}

/** What the ledger says of one datapoint. */
interface Claim {
  readonly datapoint: string
  readonly final: readonly Range[]
  readonly parked: readonly Range[]
}

export interface Claims {
  readonly datapoints: readonly Claim[]
  /** Cells of everything that is called final. */
  readonly claimed: number
  /** Of these: what the database lacks or holds otherwise; and whatever else it holds that the gateway never logged. */
  readonly found: Differences
}

/**
 * Whatever the ledger calls final must be in the database at this moment, to the last entry. The ledger is read first:
 * a program that is at work may add to both meanwhile. `until`: nothing later was logged until the database was read.
 */
export async function checkClaims(stage: Stage, until: () => number): Promise<Claims> {
  const datapoints = await readClaims(stage)
  const stored = await stage.stored()
  const wanted = claimedCells(stage, datapoints)
  const { lost, changed } = differences(stored, wanted)
  const { history } = stage.gateway
  const { extra } = differences(stored, expectedCells(history, history.start - 1, until()))
  return { datapoints, claimed: wanted.length, found: { lost, changed, extra } }
}

export async function readClaims({ site }: Stage): Promise<readonly Claim[]> {
  const { code, stdout, stderr } = await runProgram(['status', '--config', site.file, '--json'])
  if (code !== 0) throw new Error(`status ended with ${code}:\n${stderr}`)
  const { gateways } = JSON.parse(stdout) as {
    gateways: { g: { datapoints: { datapoint: string; final: RangeText[]; parked: RangeText[] }[] } }
  }
  return gateways.g.datapoints.map(({ datapoint, final, parked }) => ({
    datapoint,
    final: final.map(range),
    parked: parked.map(range),
  }))
}

function claimedCells({ gateway: { history } }: Stage, claims: readonly Claim[]): Cell[] {
  const finals = new Map(claims.map(({ datapoint, final }) => [datapoint, final]))
  return history.datapoints.flatMap(datapoint => {
    const { device, block, index, name, xif } = datapoint
    const final = finals.get(`${device}/${block}/${index}/${name ?? xif}`) ?? []
    return final.flatMap(({ after, until }) => cellsOf(history.entries(datapoint, after, until)))
  })
}

interface RangeText {
  readonly after: string
  readonly until: string
}

function range({ after, until }: RangeText): Range {
  return { after: Date.parse(after), until: Date.parse(until) }
}
