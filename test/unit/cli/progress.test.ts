import { expect, it } from 'vitest'
import { Progress } from '../../../src/cli/progress.ts'
import { emptyReceipt } from '../../../src/domain/receipt.ts'
import type { Piece } from '../../../src/planning/backlog.ts'
import { steeredClock } from '../../support/steered-clock.ts'

const piece: Piece = {
  group: '*',
  selectors: [{}],
  range: { after: 0, until: 10 },
  provisional: false,
  tries: 0,
}

it('more left than was planned is no progress, and no reason to stop', () => {
  const drawn: string[] = []
  const terminal = {
    isWatched: true,
    columns: 80,
    out() {},
    say() {},
    live: (line: string) => void drawn.push(line),
    logStream: process.stderr,
  }
  const progress = new Progress(terminal, steeredClock())
  progress.observe({ gateway: 'g', kind: 'planned', lengthMs: 100 })
  progress.observe({ gateway: 'g', kind: 'done', piece, receipt: emptyReceipt(), lengthLeft: 130 })
  progress.observe({ gateway: 'g', kind: 'done', piece, receipt: emptyReceipt(), lengthLeft: 50 })
  const shares = drawn.map(line => line.match(/\d+(?= ?%)/)?.[0])
  expect(shares).toEqual(['0', '0', '50'])
})
