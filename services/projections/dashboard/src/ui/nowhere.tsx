/* An address that leads nowhere. */
import { Icon } from "./icon";
import { Nothing, Page } from "./page";

export function NowherePage() {
  return (
    <Page title="There is nothing here">
      <Nothing icon="search" title="This address leads to no view of KAP">
        The link may be old, or a letter is missing. No session is affected.
      </Nothing>
      <p class="actions-row">
        <a class="btn main" href="/">
          To the board
        </a>
      </p>
    </Page>
  );
}

/** Before anybody is known to be signed in: never an empty screen. */
export function WaitingPage() {
  return (
    <div class="page">
      <main class="board empty-board">
        <div class="empty">
          <Icon name="gap" />
          <h1 class="sr">KAP</h1>
          <p role="status">
            <b>The server does not answer</b>
            <br />
            This page tries again every 2 s. Go to the bedside monitors: they are the primary alarm.
          </p>
        </div>
      </main>
    </div>
  );
}
