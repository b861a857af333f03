using System.Globalization;
using System.Net.Http.Headers;
using AuthService.Client;

namespace AuthService.Verification;

/// <summary>Whether the rights that a running node has in memory are those in the database: the node compares them itself, when asked by somebody who may.</summary>
/// <param name="accessToken">Of an account that holds <c>system:admin</c>.</param>
internal sealed class VerifyNode(Uri node, string accessToken)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    public async Task<Check> ExecuteAsync(CancellationToken ct)
    {
        var name = $"rights in memory of {node.GetLeftPart(UriPartial.Authority)}";
        try
        {
            using var http = new HttpClient { BaseAddress = node, Timeout = Limit };
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
            using var answer = await http.PostAsync(new Uri("/admin/cache/verify", UriKind.Relative), content: null, ct);
            if (!answer.IsSuccessStatusCode) return new Check(name, IsGood: false, string.Create(CultureInfo.InvariantCulture, $"the node answered {(int)answer.StatusCode}"));
            var found = (await answer.Content.ReadFromJsonAsync(WireJson.Default.CacheComparison, ct))!;
            var seen = string.Create(CultureInfo.InvariantCulture, $"{found.Compared} compared, {found.Different} different");
            return new Check(name, found.Different == 0, found.Different == 0 ? seen : $"{seen}: {string.Join(", ", found.Examples)}");
        }
        catch (HttpRequestException e)
        {
            return new Check(name, IsGood: false, e.Message);
        }
    }
}
