namespace KestrelLimit;

/// <summary>Reads the question and says yes. Nobody's token is looked at, and nothing is asked of anyone.</summary>
internal static class Check
{
    // As the service answers an account of the demonstration data.
    private static readonly CheckAnswer Yes = new(Allowed: true, Revision: "UNiJSj-3XtORYPUr2WxP5R03Yg0s9TRDkNUeyAMtC9gAAWUvVQFiQ78bAAAAAAAAAAU");

    public static async Task AnswerAsync(HttpContext context)
    {
        if (await Wire.ReadAsync(context.Request, WireJson.Default.CheckQuestion) is not { Permission: not null })
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        await Wire.WriteAsync(context.Response, Yes, WireJson.Default.CheckAnswer);
    }
}
