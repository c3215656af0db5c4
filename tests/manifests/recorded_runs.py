"""What the records hold of runs, as far as planning and triage look at it."""

from calve.lake.attempts import start_attempt
from calve.lake.lease import Holder, acquire, release
from calve.lake.records import connect
from calve.lake.verdicts import DatasetVerdict, RuleResult, record_verdicts
from calve.runs import Run
from calve.settings import load_settings

HOLDER = Holder("node-1", 17, "x y")


def publish(run_key):
    """Record an attempt and a publication without tables, by somebody who is done."""
    with connect(load_settings()) as conn:
        lease = acquire(conn, "revenue", run_key, HOLDER, 600)
        start_attempt(conn, Run.parse(run_key), lease.epoch, "x", HOLDER)
        release(conn, lease)
        conn.execute(
            """
            insert into calve.publication (
                number, run_key, pipeline, since, until, scope, generation, kind, epoch, digest, tables, published_at
            ) values (
                7, %s, 'revenue', '2026-01-02Z', '2026-01-03Z', 'all', 0, 'run', 1, 'x', '[]', '2026-01-03 00:41Z'
            )
            """,
            (run_key,),
        )


def block(run_key):
    """Record a verdict that blocks, by the holder of the lease."""
    broken = RuleResult("complete(facility_id)", "block", "blocked", 641, 36, 6, detail="36 of 641 rows break it")
    fine = RuleResult("unique(order_id)", "block", "passed", 641, 0, 0, detail="fine")
    with connect(load_settings()) as conn:
        lease = acquire(conn, "revenue", run_key, HOLDER, 600)
        verdict = DatasetVerdict(
            run_key, "fct_order_line", 1, "blocked", "u", None, 1, None, None, None, 641, (broken, fine)
        )
        record_verdicts(conn, run_key, [verdict], epoch=lease.epoch)
