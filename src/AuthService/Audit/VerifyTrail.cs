using System.Security.Cryptography;
using AuthService.Database;
using Npgsql;

namespace AuthService.Audit;

/// <summary>What is wrong at one place of the trail.</summary>
/// <param name="Kind">
/// <c>altered</c>: the event is not what was sealed; <c>missing</c>: a sealed event is not there; <c>inserted</c>: an event came in before ones that were sealed;
/// <c>broken</c>: the seal does not follow from the one before; <c>cut</c>: seals are not there.
/// </param>
/// <param name="EventId">Null where no event is known.</param>
/// <param name="Number">Of the seal; null where there is none.</param>
internal sealed record TrailFinding(string Kind, Guid? EventId, DateTimeOffset? EventTs, long? Number, string Detail);

/// <summary>What a whole look at the trail has come to.</summary>
/// <param name="Number">Of the newest seal, with its hash: to be kept elsewhere and held against the trail later.</param>
/// <param name="First">Of the oldest seal that was looked at.</param>
/// <param name="Sealed">Seals whose event was looked at, too.</param>
/// <param name="LetGo">Seals whose event is older than what is kept.</param>
/// <param name="Unsealed">Events that wait for their seals.</param>
/// <param name="Late">Events that were sealed more than five minutes after their time. No finding: the database was away, or this version was new. But a chain that somebody threw away and had made again looks like this.</param>
internal sealed record TrailReport(long Number, byte[] Hash, long First, long Sealed, long LetGo, long Unsealed, long Late, long Findings);

/// <summary>
/// Walks along the whole trail, some thousand events at a time: every seal from the one before and its event from its digest; that none lacks; that no event without a
/// seal stands among sealed ones. Beside a service that runs, too.
/// </summary>
internal sealed class VerifyTrail(NpgsqlDataSource db, AuditSeals seals)
{
    private const int Piece = 2_000;

    private static readonly TimeSpan LateAfter = TimeSpan.FromMinutes(5);

    private static readonly SqlFile ReadChain = SqlFile.Beside<VerifyTrail>("read_chain");
    private static readonly SqlFile ReadSeals = SqlFile.Beside<VerifyTrail>("read_seals");
    private static readonly SqlFile ReadPlaces = SqlFile.Beside<VerifyTrail>("read_places");

    /// <param name="expected">A number and hash that were kept elsewhere: the trail has to have them. Null: none.</param>
    /// <param name="found">Called for each finding, in the order of the trail.</param>
    /// <param name="progress">Called now and then with how many seals or events were looked at.</param>
    public async Task<TrailReport> ExecuteAsync((long Number, byte[] Hash)? expected, Action<TrailFinding> found, Action<long> progress, CancellationToken ct)
    {
        var run = new Run(found, expected);
        var chain = await ReadChainAsync(ct);
        CheckEnds(chain, run);
        await CheckSealsAsync(chain, run, progress, ct);
        if (run.Expected is { } missing)
            run.Report(new TrailFinding("cut", null, null, missing.Number, missing.Number <= chain.FirstNumber ? "the seal that was expected is older than what is kept" : "the seal that was expected is not there"));
        await CheckPlacesAsync(chain, run, progress, ct);
        return new TrailReport(chain.Number, chain.Hash, chain.FirstNumber + 1, run.Sealed, run.LetGo, run.Unsealed, run.Late, run.Findings);
    }

    private void CheckEnds(Chain chain, Run run)
    {
        if (chain.Number > 0 && !CryptographicOperations.FixedTimeEquals(chain.Mac, seals.MacOfHead(chain.Number, chain.Hash)))
            run.Report(new TrailFinding("cut", null, null, chain.Number, "the chain's end was not made by the service under this master key"));
        if (chain.FirstNumber > 0 && !CryptographicOperations.FixedTimeEquals(chain.FirstMac, seals.MacOfFirst(chain.FirstNumber, chain.FirstHash, chain.KeptSince)))
            run.Report(new TrailFinding("cut", null, null, chain.FirstNumber, "the chain's beginning was not made by the service under this master key"));
        if (chain.FirstNumber == 0 && chain.KeptSince != DateTimeOffset.MinValue)
            run.Report(new TrailFinding("cut", null, null, null, "something is said to have been let go, and nothing was"));
    }

    private async Task CheckSealsAsync(Chain chain, Run run, Action<long> progress, CancellationToken ct)
    {
        // Seals that came since the end was read are the next look's.
        var number = chain.FirstNumber;
        byte[] hash = chain.FirstHash, made = chain.FirstHash;
        while (number < chain.Number)
        {
            var from = number;
            await using var command = ReadSeals.On(db).With(number).With(chain.Number).With(Piece);
            await using var row = await command.ExecuteReaderAsync(ct);
            while (await row.ReadAsync(ct))
            {
                var seal = new Seal(row.GetInt64(0), row.GetGuid(1), row.GetFieldValue<DateTimeOffset>(2), row.GetFieldValue<DateTimeOffset>(3), row.GetFieldValue<byte[]>(4), row.GetFieldValue<byte[]>(5));
                var isGap = seal.Number != number + 1;
                if (isGap) run.Report(new TrailFinding("cut", null, null, number + 1, $"{seal.Number - number - 1} seals are not there"));
                // Where one is wrong, the next is held against both what stands there and what should: so it is only told of those that are wrong themselves.
                var should = Link(hash, seal);
                var follows = CryptographicOperations.FixedTimeEquals(should, seal.Hash) || (!ReferenceEquals(hash, made) && CryptographicOperations.FixedTimeEquals(Link(made, seal), seal.Hash));
                if (!follows && !isGap) run.Report(new TrailFinding("broken", seal.EventId, seal.EventTs, seal.Number, "the seal does not follow from the one before"));
                CheckEvent(seal, row.IsDBNull(6) ? null : AuditSeals.Read(row, 6), chain, run);
                run.Meet(seal.Number, seal.Hash);
                (number, hash, made) = (seal.Number, seal.Hash, follows ? seal.Hash : should);
            }

            if (number == from) break;
            progress(number - chain.FirstNumber);
        }

        if (number < chain.Number) run.Report(new TrailFinding("cut", null, null, number + 1, $"{chain.Number - number} seals are not there"));
        else if (chain.Number > 0 && !CryptographicOperations.FixedTimeEquals(hash, chain.Hash)) run.Report(new TrailFinding("cut", null, null, chain.Number, "the chain does not end in what was written down of its end"));
        if (chain.Newest != chain.Number && !(chain.Newest == 0 && chain.Number == chain.FirstNumber)) run.Report(new TrailFinding("cut", null, null, chain.Number, "the chain's end is not where its seals end"));

        byte[] Link(byte[] before, Seal seal) => seals.Link(before, seal.Number, seal.EventId, seal.EventTs, seal.SealedAt, seal.Digest);
    }

    private static void CheckEvent(Seal seal, StoredEvent? stored, Chain chain, Run run)
    {
        if (stored is null)
        {
            if (seal.EventTs < chain.KeptSince) run.LetGo++;
            else run.Report(new TrailFinding("missing", seal.EventId, seal.EventTs, seal.Number, "the event is not there"));
            return;
        }

        run.Sealed++;
        if (seal.SealedAt - seal.EventTs > LateAfter) run.Late++;
        if (!CryptographicOperations.FixedTimeEquals(AuditSeals.DigestOf(stored), seal.Digest)) run.Report(new TrailFinding("altered", seal.EventId, seal.EventTs, seal.Number, "the event is not what was sealed"));
    }

    private async Task CheckPlacesAsync(Chain chain, Run run, Action<long> progress, CancellationToken ct)
    {
        var (xid, id) = ("0", Guid.Empty);
        long seen = 0;
        while (true)
        {
            var count = 0;
            await using var command = ReadPlaces.On(db).With(xid).With(id).With(Piece).With(chain.PlaceXid).With(chain.PlaceId);
            await using var row = await command.ExecuteReaderAsync(ct);
            while (await row.ReadAsync(ct))
            {
                count++;
                (xid, id) = (row.GetString(0), row.GetGuid(1));
                if (row.GetBoolean(3)) continue;
                var ts = row.GetFieldValue<DateTimeOffset>(2);
                if (ts < chain.KeptSince) continue;   // in the default partition; its seal went
                if (row.GetBoolean(4) && !chain.IsElsewhere) run.Report(new TrailFinding("inserted", id, ts, null, "the event came in before ones that were sealed, or its time was changed"));
                else run.Unsealed++;
            }

            if (count < Piece) return;
            progress(seen += count);
        }
    }

    private async Task<Chain> ReadChainAsync(CancellationToken ct)
    {
        await using var command = ReadChain.On(db);
        await using var row = await command.ExecuteReaderAsync(ct);
        if (!await row.ReadAsync(ct)) throw new InvalidOperationException("audit_chain has no row: the trail can't be checked. Restore it from a backup.");
        return new Chain(
            row.GetInt64(0), row.GetFieldValue<byte[]>(1), row.GetFieldValue<byte[]>(2), row.GetString(3), row.GetGuid(4), row.GetBoolean(5), row.GetInt64(6),
            row.GetFieldValue<byte[]>(7), row.GetFieldValue<DateTime>(8) is var since && since == DateTime.MinValue ? DateTimeOffset.MinValue : new DateTimeOffset(since), row.GetFieldValue<byte[]>(9),
            row.IsDBNull(10) ? 0 : row.GetInt64(10));
    }

    private sealed record Seal(long Number, Guid EventId, DateTimeOffset EventTs, DateTimeOffset SealedAt, byte[] Digest, byte[] Hash);

    private sealed record Chain(
        long Number, byte[] Hash, byte[] Mac, string PlaceXid, Guid PlaceId, bool IsElsewhere, long FirstNumber, byte[] FirstHash, DateTimeOffset KeptSince, byte[] FirstMac, long Newest);

    private sealed class Run(Action<TrailFinding> found, (long Number, byte[] Hash)? expected)
    {
        public (long Number, byte[] Hash)? Expected { get; private set; } = expected;
        public long Sealed { get; set; }
        public long LetGo { get; set; }
        public long Unsealed { get; set; }
        public long Late { get; set; }
        public long Findings { get; private set; }

        public void Report(TrailFinding finding)
        {
            Findings++;
            found(finding);
        }

        public void Meet(long number, byte[] hash)
        {
            if (Expected is not { } wanted || wanted.Number != number) return;
            if (!CryptographicOperations.FixedTimeEquals(wanted.Hash, hash)) Report(new TrailFinding("broken", null, null, number, "the seal has another hash than was expected"));
            Expected = null;
        }
    }
}
