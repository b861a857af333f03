using KestrelLimit;

// The web server alone: a route and a constant. No answer over HTTP on this machine can be had more cheaply.
var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.ClearProviders();

var app = builder.Build();
app.MapGet("/", () => Results.Text("""{"allowed":true}""", "application/json"));

// And the least that a check and a refresh can cost here: what goes over the wire, and of a refresh also what has to be signed and stored.
app.MapPost("/check", Check.AnswerAsync);
if (builder.Configuration["PEER_DATABASE"] is { } database) app.MapPost("/refresh", Refresh.On(database).AnswerAsync);
app.Run();
