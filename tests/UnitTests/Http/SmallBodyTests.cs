using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using AuthService.Client;
using AuthService.Http;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.AspNetCore.Http.Features;

namespace UnitTests.Http;

/// <summary>A body that is read at once is read as the framework would have read it; over HTTP, <c>BadBodiesTests</c> say so of every route.</summary>
public class SmallBodyTests
{
    private const string Valid = """{"user_id":42,"permission":"reports:read","at_least":"abc","consistency":"full"}""";

    // Take the mark's bytes for JSON, stop at the first value, or keep the parser's word about where to yourself, and the two part.
    [Fact]
    public void Whole_or_not_the_same_comes_of_it()
    {
        var (good, bad) = (0, 0);
        Prop.ForAll(Bodies().ToArbitrary(), body =>
        {
            var (whole, pieces) = (Outcome(Whole(body)), Outcome(InPieces(body)));
            _ = whole.StartsWith("CheckRequest", StringComparison.Ordinal) ? good++ : bad++;
            return (whole == pieces).Label($"{Encoding.Latin1.GetString(body)}: {whole}, not {pieces}");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5_000));
        Assert.True(good > 200 && bad > 200, $"{good} good, {bad} bad");
    }

    // Leave it to the framework, and this waits.
    [Theory]
    [InlineData("application/json")]
    [InlineData("application/json; charset=utf-8")]
    public async Task One_that_is_there_is_not_waited_for(string contentType)
    {
        var context = Context(new Nonwaiting(Written(Encoding.UTF8.GetBytes(Valid))), Valid.Length, contentType);
        var read = await SmallBody<CheckRequest>.BindAsync(context, null!);
        Assert.Equal(new CheckRequest { UserId = 42, Permission = "reports:read", AtLeast = "abc", Consistency = "full" }, read!.Value);
        Assert.True(context.Request.BodyReader.TryRead(out var rest) && rest.Buffer.IsEmpty && rest.IsCompleted);
    }

    // Answer before all is there, and a half is malformed.
    [Fact]
    public async Task One_that_is_half_there_is_waited_for()
    {
        var pipe = new Pipe();
        await pipe.Writer.WriteAsync(Encoding.UTF8.GetBytes(Valid[..20]));
        var read = SmallBody<CheckRequest>.BindAsync(Context(pipe.Reader, Valid.Length, "application/json"), null!).AsTask();
        Assert.False(read.IsCompleted);
        await pipe.Writer.WriteAsync(Encoding.UTF8.GetBytes(Valid[20..]));
        await pipe.Writer.CompleteAsync();
        Assert.Equal(42, (await read)!.Value.UserId);
    }

    private static DefaultHttpContext Whole(byte[] body) => Context(new Nonwaiting(Written(body)), body.Length, "application/json");

    /// <summary>By one segment and the next: so the framework reads it.</summary>
    private static DefaultHttpContext InPieces(byte[] body) => Context(PipeReader.Create(new MemoryStream(body)), body.Length, "application/json");

    private static PipeReader Written(byte[] body)
    {
        var pipe = new Pipe();
        body.CopyTo(pipe.Writer.GetSpan(Math.Max(1, body.Length)));   // in one segment, whatever its length
        pipe.Writer.Advance(body.Length);
        pipe.Writer.Complete();
        return pipe.Reader;
    }

    private static DefaultHttpContext Context(PipeReader body, int length, string contentType)
    {
        var context = new DefaultHttpContext();
        context.Features.Set<IRequestBodyPipeFeature>(new Body(body));
        context.Request.ContentType = contentType;
        context.Request.ContentLength = length;
        return context;
    }

    private static string Outcome(HttpContext context)
    {
        try
        {
            return SmallBody<CheckRequest>.BindAsync(context, null!).AsTask().GetAwaiter().GetResult()?.Value.ToString() ?? "nothing";
        }
        catch (BadHttpRequestException e)
        {
            // Not to the byte: where a value is of the wrong type and broken besides, the framework has looked one further.
            return $"{e.StatusCode} at {(e.InnerException as JsonException)?.Path}";
        }
    }

    /// <summary>The valid one, and what becomes of it by a few bytes more, fewer or others.</summary>
    private static Gen<byte[]> Bodies()
    {
        var valid = Gen.Elements(Valid, "{}", "null", "[]", "{\"permission\":\"a:b\"}", "\ufeff" + Valid, Valid + " ", Valid + Valid, "{\"permission\":\"a\",\"permission\":\"b\"}", "{\"unknown\":1}").Select(Encoding.UTF8.GetBytes);
        var odd = Gen.OneOf(Gen.Elements(Encoding.ASCII.GetBytes("{}[]\",:\\ \n01untfl/*")), Gen.Choose(0, 255).Select(i => (byte)i));
        var changed =
            from body in valid
            from at in Gen.Choose(0, body.Length)
            from taken in Gen.Choose(0, 2)
            from put in odd.ArrayOf(2)
            from count in Gen.Choose(0, 2)
            select (byte[])[.. body[..at], .. put[..Math.Min(count, put.Length)], .. body[Math.Min(body.Length, at + taken)..]];
        return Gen.Frequency((1, valid), (4, changed)).Where(b => b.Length > 0);
    }

    private sealed class Body(PipeReader reader) : IRequestBodyPipeFeature
    {
        public PipeReader Reader => reader;
    }

    /// <summary>A pipe that may be asked for what it has, and for nothing that is to come.</summary>
    private sealed class Nonwaiting(PipeReader inner) : PipeReader
    {
        private bool _goesOn;

        public override bool TryRead(out ReadResult result) => inner.TryRead(out result);

        public override void AdvanceTo(SequencePosition consumed)
        {
            // Given back untouched, it is the framework's.
            _goesOn = true;
            inner.AdvanceTo(consumed);
        }

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => inner.AdvanceTo(consumed, examined);

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
            _goesOn ? inner.ReadAsync(cancellationToken) : throw new InvalidOperationException("It was waited for.");

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);
    }
}
