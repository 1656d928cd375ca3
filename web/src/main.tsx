import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './page/app.tsx';
import { browserLanguage, TextsContext, textsOf } from './text/use-texts.ts';
import './style/page.css';
import './style/conversation.css';
import './style/composer.css';

const language = browserLanguage();
const texts = textsOf(language);
document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
document.title = language === 'zh' ? '端云' : 'Duanyun';
const place = document.querySelector('#root');
if (place !== null) {
  createRoot(place).render(
    <StrictMode>
      <TextsContext value={texts}>
        <App />
      </TextsContext>
    </StrictMode>,
  );
}
