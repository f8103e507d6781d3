import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.util.concurrent.CompletionException;

/**
 * Sends requests one after the other with the default client, which offers HTTP/2. Arguments:
 * method, URL and body of each; the method WEBSOCKET opens a WebSocket. Prints a line for each:
 * status, version, body.
 */
class Requests {
  public static void main(String[] args) throws Exception {
    HttpClient client = HttpClient.newHttpClient();
    for (int at = 0; at < args.length; at += 3) {
      URI uri = URI.create(args[at + 1]);
      HttpResponse<?> answer = args[at].equals("WEBSOCKET")
        ? refusedWebSocket(client, uri)
        : client.send(request(args[at], uri, args[at + 2]), BodyHandlers.ofString());
      System.out.println(answer.statusCode() + " " + answer.version() + " " + answer.body());
    }
  }

  static HttpRequest request(String method, URI uri, String body) {
    HttpRequest.Builder request = HttpRequest.newBuilder(uri);
    if (body.isEmpty()) return request.method(method, BodyPublishers.noBody()).build();
    request.header("Content-Type", "application/json");
    return request.method(method, BodyPublishers.ofString(body)).build();
  }

  static HttpResponse<?> refusedWebSocket(HttpClient client, URI uri) {
    try {
      client.newWebSocketBuilder().buildAsync(uri, new WebSocket.Listener() {}).join();
      throw new IllegalStateException("there is a web socket");
    } catch (CompletionException error) {
      return ((WebSocketHandshakeException) error.getCause()).getResponse();
    }
  }
}
