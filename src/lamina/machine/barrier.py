"""How the threads of a team start, wait for one another and sleep, in LLVM IR.

A team has a *state*, memory that all its threads share: 64-bit integers and pointers at the offsets
below. What is written often stands on a line of its own.

A waiting thread spins for a while, then sleeps. Before it sleeps it says so and looks once more;
whoever changes the word that it waits for looks for sleepers afterwards. All these accesses are
sequentially consistent, so one of the two sees the other, and no wake-up is lost. A sleeper's flag
goes from 1 to 0 once: the one who changes it decides whether a lock is released, and it is acquired
as often as it is released.

Source:
    E. Dijkstra, "Cooperating Sequential Processes", 1965, section 2.1, for the two flags.
    M. Herlihy and N. Shavit, "The Art of Multiprocessor Programming", 2008, section 17.3, for the
    barrier; a counter of generations stands for its sense.
"""

from __future__ import annotations

from string import Template

from ..processors import MOST as MOST  # threads: as many as fit beside the number of the job

TEAM = 0  # the slot of a table that holds the state of the team that runs
LINE = 128  # bytes: processors fetch lines of 64 in pairs
JOB = 0  # the number of the job, times 65536, plus how many threads it takes; below 0 ends the team
FUNCTION, TABLE = 8, 16  # what the job calls, and with what
BUSY = LINE  # 1 while a job runs
COUNT = 2 * LINE  # threads that are at the barrier
SLEPT = COUNT + 8  # how often a thread slept in a barrier
RESTED = COUNT + 16  # how often one slept between jobs
GENERATION = 3 * LINE  # barriers passed
CONSTANTS = 4 * LINE
SIZE = CONSTANTS  # threads there are
PATIENCE = CONSTANTS + 8  # turns of spinning before a thread sleeps in a barrier
IDLE_PATIENCE = CONSTANTS + 16  # the same between jobs
ACQUIRE, RELEASE = CONSTANTS + 24, CONSTANTS + 32  # Python's functions for locks, as C functions
BARRIER = CONSTANTS + 40  # the address of @barrier
SLEEPERS = 5 * LINE  # a line for each thread: whether it sleeps, and (LOCK) on what
LOCK = 8

SOURCE = Template("""
$declare

; the word at %place, once it is not %old; at %tally is counted how often that took a sleep
define internal i64 @wait(ptr %state, i64 %tid, ptr %place, i64 %old, i64 %patience,
                          i64 %tally) noinline {
entry:
  %offset = mul i64 %tid, $LINE
  %lines = getelementptr i8, ptr %state, i64 $SLEEPERS
  %line = getelementptr i8, ptr %lines, i64 %offset
  %lock_place = getelementptr i8, ptr %line, i64 $LOCK
  %lock = load ptr, ptr %lock_place
  %acquire_place = getelementptr i8, ptr %state, i64 $ACQUIRE
  %acquire = load ptr, ptr %acquire_place
  br label %again
again:
  br label %spin
spin:
  %turn = phi i64 [0, %again], [%turn1, %longer]
  %now = load atomic i64, ptr %place acquire, align 8
  %changed = icmp ne i64 %now, %old
  br i1 %changed, label %seen, label %longer
longer:
  $pause
  %turn1 = add i64 %turn, 1
  %more = icmp slt i64 %turn1, %patience
  br i1 %more, label %spin, label %tired
tired:
  %flag = atomicrmw xchg ptr %line, i64 1 seq_cst
  %late = load atomic i64, ptr %place seq_cst, align 8
  %missed = icmp ne i64 %late, %old
  br i1 %missed, label %undo, label %sleep
undo:
  %pair = cmpxchg ptr %line, i64 1, i64 0 seq_cst seq_cst
  %undone = extractvalue {i64, i1} %pair, 1
  br i1 %undone, label %again, label %sleep
sleep:
  %tally_place = getelementptr i8, ptr %state, i64 %tally
  %slept = atomicrmw add ptr %tally_place, i64 1 monotonic
  %got = call i32 %acquire(ptr %lock, i32 1)
  br label %again
seen:
  ret i64 %now
}

; wake those of the first %threads threads that sleep
define internal void @wake(ptr %state, i64 %threads) noinline {
entry:
  %free_place = getelementptr i8, ptr %state, i64 $RELEASE
  %free = load ptr, ptr %free_place
  %lines = getelementptr i8, ptr %state, i64 $SLEEPERS
  br label %turn
turn:
  %tid = phi i64 [0, %entry], [%tid1, %next]
  %offset = mul i64 %tid, $LINE
  %line = getelementptr i8, ptr %lines, i64 %offset
  %flag = load atomic i64, ptr %line seq_cst, align 8
  %sleeps = icmp ne i64 %flag, 0
  br i1 %sleeps, label %asleep, label %next
asleep:
  %pair = cmpxchg ptr %line, i64 1, i64 0 seq_cst seq_cst
  %ours = extractvalue {i64, i1} %pair, 1
  br i1 %ours, label %release, label %next
release:
  %lock_place = getelementptr i8, ptr %line, i64 $LOCK
  %lock = load ptr, ptr %lock_place
  call void %free(ptr %lock)
  br label %next
next:
  %tid1 = add i64 %tid, 1
  %more = icmp slt i64 %tid1, %threads
  br i1 %more, label %turn, label %done
done:
  ret void
}

; return when all threads are here
define void @barrier(ptr %table, i64 %tid, i64 %threads) noinline {
entry:
  %team_place = getelementptr ptr, ptr %table, i64 $TEAM
  %state = load ptr, ptr %team_place
  %generation = getelementptr i8, ptr %state, i64 $GENERATION
  %now = load atomic i64, ptr %generation seq_cst, align 8
  %next = add i64 %now, 1
  %count = getelementptr i8, ptr %state, i64 $COUNT
  %before = atomicrmw add ptr %count, i64 1 seq_cst
  %arrived = add i64 %before, 1
  %last = icmp eq i64 %arrived, %threads
  br i1 %last, label %open, label %early
open:
  store atomic i64 0, ptr %count monotonic, align 8
  %old = atomicrmw xchg ptr %generation, i64 %next seq_cst
  call void @wake(ptr %state, i64 %threads)
  ret void
early:
  %patience_place = getelementptr i8, ptr %state, i64 $PATIENCE
  %patience = load i64, ptr %patience_place
  %new = call i64 @wait(ptr %state, i64 %tid, ptr %generation, i64 %now, i64 %patience, i64 $SLEPT)
  ret void
}

; what a thread of the team does until the team ends
define void @work(ptr %state, i64 %tid, i64 %first) {
entry:
  %job_place = getelementptr i8, ptr %state, i64 $JOB
  %function_place = getelementptr i8, ptr %state, i64 $FUNCTION
  %table_place = getelementptr i8, ptr %state, i64 $TABLE
  %patience_place = getelementptr i8, ptr %state, i64 $IDLE_PATIENCE
  br label %next
next:
  %done = phi i64 [%first, %entry], [%job, %wanted], [%job, %do]
  %patience = load i64, ptr %patience_place
  %job = call i64 @wait(ptr %state, i64 %tid, ptr %job_place, i64 %done, i64 %patience,
                        i64 $RESTED)
  %end = icmp slt i64 %job, 0
  br i1 %end, label %stop, label %wanted
wanted:
  %threads = and i64 %job, $MOST
  %takes = icmp slt i64 %tid, %threads
  br i1 %takes, label %do, label %next
do:
  %function = load ptr, ptr %function_place
  %table = load ptr, ptr %table_place
  call void %function(ptr %table, i64 %tid, i64 %threads)
  call void @barrier(ptr %table, i64 %tid, i64 %threads)
  br label %next
stop:
  ret void
}

; call a function on so many threads, of which this is the first; alone, if the team is busy. How
; often a thread slept in a barrier meanwhile.
define i64 @launch(ptr %state, ptr %function, ptr %table, i64 %wanted) {
entry:
  %size_place = getelementptr i8, ptr %state, i64 $SIZE
  %size = load i64, ptr %size_place
  %fits = icmp slt i64 %wanted, %size
  %threads = select i1 %fits, i64 %wanted, i64 %size
  %several = icmp sgt i64 %threads, 1
  br i1 %several, label %try, label %alone
try:
  %busy = getelementptr i8, ptr %state, i64 $BUSY
  %pair = cmpxchg ptr %busy, i64 0, i64 1 seq_cst seq_cst
  %free = extractvalue {i64, i1} %pair, 1
  br i1 %free, label %team, label %alone
team:
  %team_place = getelementptr ptr, ptr %table, i64 $TEAM
  store ptr %state, ptr %team_place
  %function_place = getelementptr i8, ptr %state, i64 $FUNCTION
  %table_place = getelementptr i8, ptr %state, i64 $TABLE
  store ptr %function, ptr %function_place
  store ptr %table, ptr %table_place
  %slept_place = getelementptr i8, ptr %state, i64 $SLEPT
  %slept = load atomic i64, ptr %slept_place monotonic, align 8
  %job_place = getelementptr i8, ptr %state, i64 $JOB
  %job = load i64, ptr %job_place
  %number = or i64 %job, $MOST
  %number1 = add i64 %number, 1
  %next = or i64 %number1, %threads
  %old = atomicrmw xchg ptr %job_place, i64 %next seq_cst
  call void @wake(ptr %state, i64 %threads)
  call void %function(ptr %table, i64 0, i64 %threads)
  call void @barrier(ptr %table, i64 0, i64 %threads)
  %slept1 = load atomic i64, ptr %slept_place monotonic, align 8
  %sleeps = sub i64 %slept1, %slept
  store atomic i64 0, ptr %busy seq_cst, align 8
  ret i64 %sleeps
alone:
  call void %function(ptr %table, i64 0, i64 1)
  ret i64 0
}

; end the team; 0 if it is busy
define i64 @stop(ptr %state) {
entry:
  %busy = getelementptr i8, ptr %state, i64 $BUSY
  %pair = cmpxchg ptr %busy, i64 0, i64 1 seq_cst seq_cst
  %free = extractvalue {i64, i1} %pair, 1
  br i1 %free, label %end, label %refuse
end:
  %job_place = getelementptr i8, ptr %state, i64 $JOB
  %old = atomicrmw xchg ptr %job_place, i64 -1 seq_cst
  %size_place = getelementptr i8, ptr %state, i64 $SIZE
  %size = load i64, ptr %size_place
  call void @wake(ptr %state, i64 %size)
  ret i64 1
refuse:
  ret i64 0
}

; how long a turn of spinning takes: this does so many
define void @idle(i64 %turns) {
entry:
  br label %spin
spin:
  %turn = phi i64 [0, %entry], [%turn1, %spin]
  $pause
  %turn1 = add i64 %turn, 1
  %more = icmp slt i64 %turn1, %turns
  br i1 %more, label %spin, label %done
done:
  ret void
}
""")


def source(triple: str) -> str:
    """The functions, as text, for a processor that LLVM calls so."""
    call = ""
    if triple.startswith("x86_64"):
        call = "@llvm.x86.sse2.pause()"
    elif triple.startswith(("aarch64", "arm64")):
        call = "@llvm.aarch64.isb(i32 15)"
    words = {name: value for name, value in globals().items() if isinstance(value, int)}
    pause = f"call void {call}" if call else ""
    declare = f"declare void {call}".replace(" 15", "") if call else ""
    return SOURCE.substitute(words, pause=pause, declare=declare)
