namespace SolidCache.Redis.Resp;

/// <summary>Asks the Sentinels where the master is: one after the other, those named and those they name, the one that answered last first.</summary>
internal sealed class SentinelQuery(RedisSettings settings, RedisDialer dialer)
{
    private const int MostKnown = 32;

    private readonly List<RedisEndpoint> _sentinels = [.. settings.Endpoints];

    /// <exception cref="RedisUnavailableException">None of them knows.</exception>
    public async ValueTask<RedisEndpoint> FindMasterAsync(CancellationToken ct)
    {
        var last = "no Sentinel was asked";
        foreach (var sentinel in _sentinels.ToArray())
        {
            try
            {
                var connection = await dialer.ConnectAsync(sentinel, static _ => { }, ct, asSentinel: true).ConfigureAwait(false);
                await using var _ = connection.ConfigureAwait(false);
                var address = await RedisDialer.DoAsync(connection, ct, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", settings.MasterName!).ConfigureAwait(false);
                if (address.Items.Length != 2)
                {
                    last = $"{sentinel} knows no master '{settings.MasterName}'";
                    continue;
                }

                Prefer(sentinel);
                await LearnOthersAsync(connection, ct).ConfigureAwait(false);
                return new RedisEndpoint(address.Items.Span[0].AsText() ?? "", (int)address.Items.Span[1].AsInteger());
            }
            catch (Exception e) when (e is RedisUnavailableException or RedisException && !ct.IsCancellationRequested)
            {
                last = e.Message;
            }
        }

        throw new RedisUnavailableException($"no Sentinel can say where the master is; the last: {last}");
    }

    private void Prefer(RedisEndpoint sentinel)
    {
        _sentinels.Remove(sentinel);
        _sentinels.Insert(0, sentinel);
    }

    /// <summary>Those who watch the same master, in case the ones named go.</summary>
    private async ValueTask LearnOthersAsync(RespConnection connection, CancellationToken ct)
    {
        var others = await RedisDialer.DoAsync(connection, ct, "SENTINEL", "SENTINELS", settings.MasterName!).ConfigureAwait(false);
        foreach (var other in others.Items.ToArray())
        {
            // A map, though RESP2's form of it may come: names and values in turn either way.
            var fields = other.Items.ToArray();
            string? ip = null;
            long port = 0;
            for (var i = 0; i + 1 < fields.Length; i += 2)
            {
                if (fields[i].AsText() == "ip") ip = fields[i + 1].AsText();
                if (fields[i].AsText() == "port") port = fields[i + 1].AsInteger();
            }

            if (ip is { Length: > 0 } && port is > 0 and <= 65535 && _sentinels.Count < MostKnown)
            {
                var endpoint = new RedisEndpoint(ip, (int)port);
                if (!_sentinels.Contains(endpoint)) _sentinels.Add(endpoint);
            }
        }
    }
}
