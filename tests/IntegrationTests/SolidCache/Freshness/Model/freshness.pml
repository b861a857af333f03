/*
 * The freshness protocol (docs/cache/freshness.md) as a model for SPIN, which goes through every order in which its steps can happen
 * and looks for an answer that may not be given: one older than a change whose call had answered before the question began.
 *
 *   spin -a BOUNDS freshness.pml && gcc -O1 -DSAFETY -DNOREDUCE -DNOCOMP -o pan pan.c && ./pan -m100000
 *
 * If there is one, "spin -t -p BOUNDS freshness.pml" shows how it comes about; with gcc's -DBFS it is the shortest. ModelTests.cs runs
 * these bounds, each to the end of its states:
 *
 *   (none)                                           one node of many, two changes, a lease of two ticks
 *   -DCHANGES=1 -DLEASE=1 -DNODES=2                  two nodes in full
 *   -DCHANGES=1 -DLEASE=1 -DCRASHES=1 -DOTHERS=1     the server crashes, and transaction ids are used again
 *   -DCHANGES=1 -DLEASE=1 -DRETENTION=2              the log is pruned, and nodes forget
 *
 * and then each rule removed (NO_..., LATE_... and so on, below), which has to lead to a wrong answer. Larger bounds take a minute or
 * more each; right were also the crash with LEASE=2, with CHANGES=2, and with RETENTION=1, where OLD_SNAPSHOTS is wrong.
 *
 * What is in it. A step is what one statement, or one node, does at once; between any two of them anything else may happen, and time
 * pass. So there is no step for a node that is paused or cut off: it is one whose steps don't come. Polls read, learn and report; loads
 * take their stamp, read and are kept; a call dies between commit and barrier, and one that finds nothing to change comes after it; nodes
 * stop, are killed, begin anew, lose their registration and register again; what brings news early loses or invents it.
 *
 * What is left out. One tag; its version is also what the data is worth, since both change in one commit. One writer: changes of one tag
 * exclude each other by the row's lock. One load at a time on a node. Who joins it gets its result only where it could be kept, so the
 * entry's readers stand for those, and an entry of PostgreSQL's tier, compared in the snapshot it is read in, is a load whose two reads
 * are one. All leases are equally long. All clocks run equally fast, so margins are nothing; a node's monotonic clock may stand still, but
 * not the one that leases go by as well. A crash loses no durable commit. After it something tells that there were nodes before (had_nodes
 * in the schema): a registration, a snapshot or a version that was kept. A fail-over that loses commits is not covered.
 *
 * One node is asked, for they are alike. With NODES=1 the others are not followed, however many there are: at any time they do whatever
 * they could do to this one, such as begin an epoch, remove its row, prune, or serve the call. No barrier waits for them, which is the
 * worst for this one.
 */

#ifndef NODES
#define NODES 1
#endif
#ifndef CHANGES
#define CHANGES 2
#endif
/* Ticks for which a node trusts what it knows. */
#ifndef LEASE
#define LEASE 2
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
/* Transactions of others, which nobody waits for to be durable. */
#ifndef OTHERS
#define OTHERS 0
#endif
/* Ticks for which invalidations are kept; 0: for ever. */
#ifndef RETENTION
#define RETENTION 0
#endif
/* Ages are counted up to where they make no difference any more. */
#if RETENTION > LEASE
#define LONG RETENTION
#else
#define LONG LEASE
#endif

/*
 * A snapshot as PostgreSQL makes them, in one number: what is below has ended, but for one transaction that runs. By numbers alone that one
 * would count as seen. Where nothing is newer, it might as well not have begun.
 */
#define NOTHING 0
#define SEES(snapshot, xid) ((xid) < ((snapshot) & 15) && (xid) != ((snapshot) >> 4))
#ifdef POLL_BY_NUMBER
#define NOW next_xid
#else
#define NOW (running != 0 && running == next_xid - 1 -> running : next_xid + (running << 4))
#endif

/* ---- The server. */

byte version;                   /* of the tag, and so of the data */
byte xid_of[CHANGES + 1];       /* who wrote a version */
bit in_log[CHANGES + 1];
byte next_xid = 1;
byte durable_xid = 1;           /* the first that nothing on disk tells of */
byte running;                   /* the change under way; 0: none */
byte crashes;

byte epoch;                     /* 0: the row is not there */
byte epochs;
byte epoch_age;

byte recorded;                  /* the snapshot that pruning goes by */
byte recorded_age;

typedef Row {
    bit exists;
    byte epoch;
    byte applied;
    byte age;                   /* of the heartbeat */
};
Row row[2];                     /* who may answer from memory */

/* ---- The nodes. */

#define IDLE 0
#define STAMPED 1
#define READ 2

typedef Node {
    byte epoch;
    bit has_begun;              /* is in an era */
    byte known;                 /* the newest version it has learnt of */
    byte known_age;
    byte lease_age;             /* since the beginning of the poll that gave it */
    bit is_asking;
    byte asked_age;             /* since the beginning of the poll under way */
    byte away;                  /* since the beginning of the last poll that was answered */
    bit has_entry;
    byte value;
    byte stamp;
    byte entry_age;
    byte load;
    byte load_value;
    byte load_stamp;
    byte load_age;
};
Node node[NODES];

/* What the other one knows and may answer is not followed, only what it registers and reports. */
#define IS_ASKED(n) (n == 0)

/* ---- The call that changes something. */

byte home;                      /* the node that serves it; NODES or more: one of the others */
bit is_told;                    /* that node has learnt of the change by it */
bit waits;
byte waited;
byte change_epoch;              /* as read in the change's transaction */
byte revision_epoch;            /* as the barrier goes by */
byte answered;                  /* the newest version whose change was answered */

/* ---- The rules, each as it is and removed. */

/* An entry is served only while no version newer than its stamp is known. Without: learning drops it, as other caches do. */
#ifdef NO_STAMP
#define IS_CURRENT(n, version) true
#else
#define IS_CURRENT(n, version) ((version) >= node[n].known)
#endif

/* The version that an entry carries was known or read before the data. */
#ifdef LATE_STAMP
#define STAMP_AT_END(n) node[n].load_stamp = node[n].known
#else
#define STAMP_AT_END(n) skip
#endif

/* Nothing is served from memory for longer than a lease after the beginning of the last poll. */
#ifdef NO_LEASE
#define IS_LEASED(n) true
#else
#define IS_LEASED(n) (node[n].lease_age < LEASE)
#endif
#ifdef LEASE_FROM_ANSWER
#define LEASE_AGE(n) 0
#else
#define LEASE_AGE(n) node[n].asked_age
#endif

/* No lease without a registration, with a heartbeat so young that the row outlives the lease. */
#define HAS_YOUNG_ROW(n) (row[n].exists && row[n].age < LEASE)
#ifdef NO_REGISTRATION
#define HAS_ROW(n) true
#else
#define HAS_ROW(n) (row[n].exists && row[n].epoch == node[n].epoch)
#endif
#if defined(NO_REGISTRATION) || defined(LATE_REGISTRATION)
#define IS_REGISTERED(n) true
#elif defined(OLD_HEARTBEAT)
#define IS_REGISTERED(n) row[n].exists
#else
#define IS_REGISTERED(n) HAS_YOUNG_ROW(n)
#endif
#ifdef EARLY_REMOVAL
#define IS_GONE(n) (row[n].exists && row[n].age >= LEASE)
#else
#define IS_GONE(n) (row[n].exists && row[n].age >= 2 * LEASE)
#endif

/* What was learnt is carried on only in its epoch, and only by a node that was not away for so long that some of it may be gone. */
#ifdef NO_EPOCH
#define IS_SAME_EPOCH(n) (epoch != 0)
#else
#define IS_SAME_EPOCH(n) (epoch == node[n].epoch)
#endif
#ifdef NO_AWAY_RULE
#define MAY_GO_ON(n) IS_SAME_EPOCH(n)
#else
#define MAY_GO_ON(n) (IS_SAME_EPOCH(n) && (RETENTION == 0 || since == NOTHING || node[n].away < RETENTION))
#endif

/* No entry is older than what a node remembers of versions. */
#ifdef OLD_ENTRIES
#define IS_YOUNG(entry_age) true
#else
#define IS_YOUNG(entry_age) (RETENTION == 0 || (entry_age) < RETENTION)
#endif

/* Of the log goes what was visible in a snapshot recorded a retention ago, in the same epoch. */
#ifdef NO_PRUNING_RULE
#define MAY_PRUNE(v) in_log[v]
#else
#define MAY_PRUNE(v) (in_log[v] && recorded_age == RETENTION && SEES(recorded, xid_of[v]))
#endif

/* The barrier opens when every registered node has applied the change, if the table of nodes can be trusted. */
#ifdef NO_YOUNG_EPOCH_WAIT
#define IS_EPOCH_TRUSTED (revision_epoch != 0 && revision_epoch == epoch)
#else
#define IS_EPOCH_TRUSTED (revision_epoch != 0 && revision_epoch == epoch && (epoch == 1 || epoch_age >= LEASE))
#endif
#define HAS_APPLIED(n) (!row[n].exists || row[n].epoch == revision_epoch && (n == home && is_told || SEES(row[n].applied, xid_of[version])))
#if defined(NO_REGISTRATION)
#define IS_OPEN true
#elif defined(NO_OWN_ROW)
#define IS_OPEN (!row[0].exists && !row[1].exists || IS_EPOCH_TRUSTED && HAS_APPLIED(0) && HAS_APPLIED(1))
#else
#define IS_OPEN (IS_EPOCH_TRUSTED && HAS_APPLIED(0) && HAS_APPLIED(1) && (home >= NODES || row[home].exists))
#endif

/* A call that finds nothing to change waits like the one before it, which may have died. */
#ifdef NO_NOTHING_CHANGED_WAIT
#define NOTHING_CHANGED answered = version
#else
#define NOTHING_CHANGED skip
#endif

/* ---- What a node does. */

inline drop_entry(n) {
    node[n].has_entry = 0; node[n].value = 0; node[n].stamp = 0; node[n].entry_age = 0
}

inline drop_load(n) {
    node[n].load = IDLE; node[n].load_value = 0; node[n].load_stamp = 0; node[n].load_age = 0
}

inline learn(n, v) {
    if
    :: IS_ASKED(n) && v > node[n].known ->
        node[n].known = v;
#ifdef NO_STAMP
        drop_entry(n)
#endif
    :: else
    fi;
    node[n].known_age = 0
}

/* Durable. There is no row without an epoch to put into it. */
inline register(n, snapshot) {
#ifndef NO_REGISTRATION
    if
    :: epoch != 0 -> row[n].exists = 1; row[n].epoch = epoch; row[n].applied = snapshot; row[n].age = 0; durable_xid = next_xid
    :: else
    fi;
#endif
    skip
}

inline heartbeat(n) {
#ifndef NO_REGISTRATION
    row[n].applied = since; row[n].age = 0;
#endif
    skip
}

inline remove_row(n) {
    row[n].exists = 0; row[n].epoch = 0; row[n].applied = NOTHING; row[n].age = 0
}

inline begin_epoch() {
    epochs++; epoch = epochs; epoch_age = 0;
#ifndef OLD_SNAPSHOTS
    recorded = NOTHING; recorded_age = 0
#endif
}

/* Everything a poll reads, in one snapshot. */
inline ask(n) {
    seen = NOW; node[n].is_asking = IS_ASKED(n);
    v = version;
    do
    :: v > 0 && in_log[v] && !SEES(since, xid_of[v]) -> news = v; break
    :: v > 0 && !(in_log[v] && !SEES(since, xid_of[v])) -> v--
    :: v == 0 -> break
    od;
    v = 0
}

/*
 * A poll that finds another epoch, or no registration of a node that is just beginning, or that comes too late, changes nothing on the
 * server and gives nothing to the node, so it might as well not have been sent: only the others are followed on their way.
 */
proctype Poll(byte n) {
    byte since, seen, news, v;
Begin:
    atomic {
        node[n].has_begun = 0; node[n].lease_age = LONG; node[n].away = 0; node[n].known = 0; node[n].known_age = 0;
        drop_entry(n); drop_load(n);
        if
        :: home == n -> is_told = 0
        :: else
        fi;
        if
        :: epoch == 0 -> begin_epoch()
        :: else
        fi;
        node[n].epoch = epoch; since = NOTHING;
#ifndef LATE_REGISTRATION
        register(n, NOTHING)
#endif
    }
Ask:
    atomic {
        if
        :: MAY_GO_ON(n) && IS_REGISTERED(n)
        :: MAY_GO_ON(n) && !IS_REGISTERED(n) && node[n].has_begun -> register(n, since)
        :: goto Begin                                               /* it has to; or it was killed, and another takes its place */
#ifdef DEREGISTER_FIRST
        :: remove_row(n); goto Begin
#else
        :: node[n].lease_age = LONG; remove_row(n); goto Begin      /* it stops */
#endif
        fi;
        ask(n)
    }
    atomic {
#ifdef LATE_REGISTRATION
        if
        :: !HAS_YOUNG_ROW(n) -> register(n, since)
        :: else
        fi;
#endif
        if
        :: news > 0 -> learn(n, news)
        :: else
        fi;
        since = seen; seen = 0
    }
    atomic {
        node[n].has_begun = 1; node[n].away = (RETENTION > 0 -> node[n].asked_age : 0);
        if
        :: news == 0 && IS_ASKED(n) -> node[n].lease_age = LEASE_AGE(n)     /* the heartbeat is not due yet */
        :: HAS_ROW(n) -> heartbeat(n); node[n].lease_age = (IS_ASKED(n) -> LEASE_AGE(n) : LONG)
        :: skip                                                             /* the heartbeat fails: no lease */
        fi;
        news = 0; node[n].is_asking = 0; node[n].asked_age = 0;
        goto Ask
    }
}

/* A load of a former era is not kept, so it is not followed either. */
proctype Load(byte n) {
    do
    :: atomic { node[n].load == IDLE && node[n].has_begun ->
        if
        :: node[n].load_stamp = node[n].known
        :: node[n].load_stamp = version
        fi;
        node[n].load = STAMPED }
    :: atomic { node[n].load == STAMPED -> node[n].load_value = version; node[n].load = READ }
    :: atomic { node[n].load == READ ->
        STAMP_AT_END(n);
        if
        :: IS_CURRENT(n, node[n].load_stamp) && IS_LEASED(n) && IS_YOUNG(node[n].load_age) ->
            node[n].has_entry = 1; node[n].value = node[n].load_value; node[n].stamp = node[n].load_stamp;
            node[n].entry_age = node[n].load_age
        :: else
        fi;
        drop_load(n) }
    od
}

/* The property: from memory comes nothing that is older than what had been answered when the question began. */
proctype Answer(byte n) {
    do
    :: atomic { node[n].has_entry && IS_LEASED(n) && IS_CURRENT(n, node[n].stamp) -> assert(node[n].value >= answered) }
    od
}

/*
 * What brings news early may lose any: then nothing happens. It may wake a poll: those may come at any time anyway. A revision that a
 * client carries is true. Whatever else it says can only make a node refuse what it has, as eviction and expiry do.
 */
proctype Accelerator(byte n) {
    do
    :: atomic { node[n].has_entry -> drop_entry(n) }
    :: atomic { node[n].has_begun && node[n].epoch == change_epoch && node[n].known < version -> learn(n, version) }
#ifdef TRUSTED_RUMOURS
    :: atomic { node[n].has_begun && node[n].known == version && version < CHANGES -> learn(n, version + 1) }
#endif
    od
}

/* ---- What a call does. */

proctype Writer() {
Next:
    do
    :: version < CHANGES ->
Change:
        atomic { running = next_xid; next_xid++; change_epoch = epoch }
        atomic {
            if
            :: running == 0 -> change_epoch = 0; goto Change        /* the server crashed */
            :: else
            fi;
            version++; xid_of[version] = running; in_log[version] = 1; running = 0; durable_xid = next_xid
        }
        /* It goes on at one of the nodes; or it dies, and one that finds nothing to change comes after it, perhaps elsewhere, or nobody. */
        atomic {
            if
            :: home = 0
            :: home = 1
            :: version < CHANGES -> goto Next
            fi;
            if
            :: revision_epoch = change_epoch;
#ifdef NO_BARRIER
                answered = version
#endif
            :: home < NODES -> revision_epoch = (node[home].has_begun -> node[home].epoch : 0); NOTHING_CHANGED
            :: home >= NODES -> revision_epoch = epoch; NOTHING_CHANGED
            :: home >= NODES -> revision_epoch = 0; NOTHING_CHANGED  /* that node has not noticed a new epoch yet */
            fi;
            waits = 1;
            if
            :: home < NODES && node[home].has_begun && node[home].epoch == revision_epoch -> learn(home, version); is_told = 1
            :: else
            fi
        }
        atomic {
            IS_OPEN || waited == LEASE ->
            answered = version;
            waits = 0; waited = 0; is_told = 0; home = 0; revision_epoch = 0
        }
    :: else -> break
    od
}

/* ---- What happens to the server, and time. */

proctype Server() {
    do
    :: atomic { epoch != 0 && IS_GONE(0) && (epoch == 1 || epoch_age >= 2 * LEASE) -> remove_row(0) }
#if NODES > 1
    :: atomic { epoch != 0 && IS_GONE(1) && (epoch == 1 || epoch_age >= 2 * LEASE) -> remove_row(1) }
#endif
#if RETENTION > 0
    /* The same snapshot again, only younger, would let nothing go that the older one does not. */
    :: atomic { epoch != 0 && recorded != NOW && (version > 0 || CRASHES > 0) -> recorded = NOW; recorded_age = 0 }
    :: atomic { epoch != 0 && MAY_PRUNE(1) -> in_log[1] = 0 }
#if CHANGES > 1
    :: atomic { epoch != 0 && MAY_PRUNE(2) -> in_log[2] = 0 }
#endif
#endif
#if CRASHES > 0
    :: atomic { next_xid <= OTHERS + version -> next_xid++ }
    :: atomic { epoch == 0 -> begin_epoch() }
    /* Ids of which nothing is on disk are used again. Heartbeats were not durable, and registrations need not have been. */
    :: atomic { crashes < CRASHES && epoch != 0 ->
        crashes++; epoch = 0; epoch_age = 0; running = 0; next_xid = durable_xid;
        if
        :: row[0].exists -> row[0].age = 2 * LEASE
        :: remove_row(0)
        fi;
        if
        :: row[1].exists -> row[1].age = 2 * LEASE
        :: remove_row(1)
        fi }
#endif
    od
}

inline grow(counter, most) {
    if
    :: counter < most -> counter++
    :: else
    fi
}

/* By the node's own clock, which may stand still. */
inline grow_old(n) {
    if
    :: node[n].load != IDLE -> grow(node[n].load_age, RETENTION)
    :: else
    fi;
    if
    :: node[n].has_entry -> grow(node[n].entry_age, RETENTION)
    :: else
    fi;
    if
    :: !IS_YOUNG(node[n].entry_age) -> drop_entry(n)
    :: else
    fi;
    if
    :: node[n].known > 0 -> grow(node[n].known_age, RETENTION)
    :: else
    fi;
    if
    :: node[n].known_age == RETENTION -> node[n].known = 0; node[n].known_age = 0
    :: else
    fi
}

inline grow_all(n) {
    grow(node[n].lease_age, LONG);
    if
    :: node[n].is_asking -> grow(node[n].asked_age, LONG)
    :: else
    fi;
    if
    :: row[n].exists -> grow(row[n].age, 2 * LEASE)
    :: else
    fi;
    grow(node[n].away, RETENTION)
}

inline tick() {
    grow_all(0);
#if NODES > 1
    grow_all(1);
#endif
    grow(recorded_age, RETENTION);
    if
    :: epoch > 1 -> grow(epoch_age, 2 * LEASE)
    :: else
    fi;
    if
    :: waits -> grow(waited, LEASE)
    :: else
    fi
}

proctype Clock() {
    do
    :: d_step { tick() }
#if RETENTION > 0
    :: d_step { tick(); grow_old(0) }
#endif
    od
}

/* SPIN tries the last process first: whatever could be wrong is looked at before time passes. */
init {
    atomic {
        node[0].lease_age = LONG;
        run Clock(); run Server(); run Accelerator(0);
#if NODES > 1
        node[1].lease_age = LONG;
        run Poll(1);
#endif
        run Writer(); run Poll(0); run Load(0); run Answer(0)
    }
}
