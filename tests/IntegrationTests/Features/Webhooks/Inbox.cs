using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using IntegrationTests.Outbound;

namespace IntegrationTests.Features.Webhooks;

/// <summary>A message as it arrived.</summary>
internal sealed record Arrived(string Id, string Timestamp, string Signature, string ContentType, byte[] Body)
{
    public JsonNode Json => JsonNode.Parse(Body)!;
    public string Type => (string)Json["type"]!;
    public string? Name => (string?)Json["data"]!["name"];
}

/// <summary>Somebody who is told of changes: a real server, which answers as a test says.</summary>
internal sealed class Inbox : IAsyncDisposable
{
    private readonly ConcurrentQueue<Arrived> _arrived = new();
    private Receiver? _receiver;

    public IReadOnlyList<Arrived> All => [.. _arrived];
    public int Count => _arrived.Count;
    public string Url => new Uri(_receiver!.Url, "/hook?token=in-the-url").ToString();
    public int Connections => _receiver!.Connections;

    /// <param name="answer">Is given the number of the message, from 1; null: 204.</param>
    public static async Task<Inbox> OpenAsync(CancellationToken ct, Func<HttpContext, int, Task>? answer = null)
    {
        var inbox = new Inbox();
        inbox._receiver = await Receiver.StartAsync(async (context, number) =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            var headers = context.Request.Headers;
            inbox._arrived.Enqueue(new Arrived(headers["webhook-id"].ToString(), headers["webhook-timestamp"].ToString(), headers["webhook-signature"].ToString(), headers.ContentType.ToString(), body.ToArray()));
            context.Response.StatusCode = 204;
            if (answer is not null) await answer(context, number);
        }, ct);
        return inbox;
    }

    /// <summary>What somebody else's code makes of messages: <c>good</c>, <c>forged</c> or <c>replayed</c>.</summary>
    /// <param name="later">How long after they were sent they arrive.</param>
    public static async Task<string[]> VerifyAsync(string secret, TimeSpan later, IEnumerable<Arrived> messages, CancellationToken ct)
    {
        using var python = Process.Start(new ProcessStartInfo("/usr/bin/python3", [Path.Combine(Root(), "tests", "IntegrationTests", "Features", "Webhooks", "verify.py")])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        foreach (var message in messages)
        {
            var now = TimeProvider.System.GetUtcNow().Add(later).ToUnixTimeSeconds();
            await python.StandardInput.WriteLineAsync(new JsonObject
            {
                ["secret"] = secret,
                ["now"] = now,
                ["id"] = message.Id,
                ["timestamp"] = message.Timestamp,
                ["signature"] = message.Signature,
                ["body"] = Convert.ToBase64String(message.Body),
            }.ToJsonString());
        }

        python.StandardInput.Close();
        var verdicts = await python.StandardOutput.ReadToEndAsync(ct);
        await python.WaitForExitAsync(ct);
        return verdicts.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    public async ValueTask DisposeAsync()
    {
        if (_receiver is not null) await _receiver.DisposeAsync();
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AuthService.slnx"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }
}
