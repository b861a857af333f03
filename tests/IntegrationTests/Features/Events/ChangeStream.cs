using System.Net.ServerSentEvents;
using System.Text.Json;

namespace IntegrationTests.Features.Events;

/// <summary>A listener as a browser is one: it reads events, and knows the id to come back with.</summary>
internal sealed class ChangeStream : IAsyncDisposable
{
    public const string Path = "/api/v1/events";

    private readonly HttpResponseMessage _answer;
    private readonly SseParser<string> _parser;
    private readonly IAsyncEnumerator<SseItem<string>> _events;

    private ChangeStream(HttpResponseMessage answer, Stream body, CancellationToken ct)
    {
        _answer = answer;
        _parser = SseParser.Create(body);
        _events = _parser.EnumerateAsync(ct).GetAsyncEnumerator(ct);
    }

    /// <summary>What the client would come back with now.</summary>
    public string LastEventId => _parser.LastEventId;

    public static async Task<HttpResponseMessage> RequestAsync(Account account, string? lastEventId, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Path);
        request.Headers.Authorization = new("Bearer", account.Tokens.AccessToken);
        if (lastEventId is not null) request.Headers.TryAddWithoutValidation("Last-Event-ID", lastEventId);
        return await account.Node.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
    }

    public static async Task<ChangeStream> OpenAsync(Account account, CancellationToken ct, string? lastEventId = null)
    {
        var answer = await RequestAsync(account, lastEventId, ct);
        answer.EnsureSuccessStatusCode();
        return new ChangeStream(answer, await answer.Content.ReadAsStreamAsync(ct), ct);
    }

    /// <summary>The next event's type and data; null: the stream has ended.</summary>
    public async Task<(string Type, JsonElement Data)?> NextAsync()
    {
        try
        {
            if (!await _events.MoveNextAsync()) return null;
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            return null;
        }

        return (_events.Current.EventType, JsonElement.Parse(_events.Current.Data));
    }

    /// <summary>The next change: kind and name.</summary>
    public async Task<(string Kind, JsonElement Data)> ChangeAsync()
    {
        var (type, data) = await NextAsync() ?? throw new InvalidOperationException("The stream has ended.");
        Assert.Equal("change", type);
        return (data.GetProperty("kind").GetString()!, data);
    }

    public async ValueTask DisposeAsync()
    {
        _answer.Dispose();
        try
        {
            await _events.DisposeAsync();
        }
        catch (Exception e) when (e is IOException or NotSupportedException)
        {
            // Cut off within a read.
        }
    }
}
