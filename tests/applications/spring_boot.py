"""Spring Boot with oauth2Login, as its documentation of OAuth 2 clients says."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.applications.application import (
    EMAIL,
    STRANGER,
    Application,
    Command,
    Place,
    Registration,
    at_porta,
)

URL = "http://localhost:8080"
VERSION = "3.5.6"
_POM = f"""
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <parent>
    <groupId>org.springframework.boot</groupId>
    <artifactId>spring-boot-starter-parent</artifactId>
    <version>{VERSION}</version>
    <relativePath/>
  </parent>
  <groupId>shop</groupId><artifactId>orders</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-web</artifactId>
    </dependency>
    <dependency>
      <groupId>org.springframework.boot</groupId>
      <artifactId>spring-boot-starter-oauth2-client</artifactId>
    </dependency>
  </dependencies>
  <build>
    <plugins>
      <plugin>
        <groupId>org.springframework.boot</groupId>
        <artifactId>spring-boot-maven-plugin</artifactId>
      </plugin>
    </plugins>
  </build>
</project>
"""
_SETTINGS = """
spring:
  security:
    oauth2:
      client:
        registration:
          porta:
            client-id: {client_id}
            client-secret: "{client_secret}"
            scope: [openid, profile, email]
        provider:
          porta:
            issuer-uri: {issuer}
"""
_ORDERS = """
package shop;

import java.util.Collection;
import java.util.HashSet;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.security.core.authority.mapping.GrantedAuthoritiesMapper;
import org.springframework.security.oauth2.client.oidc.web.logout.*;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.core.oidc.user.*;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.*;

@SpringBootApplication
@RestController
public class Orders {
  public static void main(String[] words) { SpringApplication.run(Orders.class, words); }

  @GetMapping("/") String home(@AuthenticationPrincipal OidcUser user) {
    return "Hello " + user.getEmail() + ", " + user.getFullName();
  }

  @GetMapping("/orders") String orders() { return "All orders"; }

  @Bean
  SecurityFilterChain chain(HttpSecurity http, ClientRegistrationRepository registrations)
      throws Exception {
    var logout = new OidcClientInitiatedLogoutSuccessHandler(registrations);
    logout.setPostLogoutRedirectUri("{baseUrl}/");
    return http
      .authorizeHttpRequests(all -> all
        .requestMatchers("/orders").hasRole("clerk").anyRequest().authenticated())
      .oauth2Login(Customizer.withDefaults())
      .logout(out -> out.logoutSuccessHandler(logout))
      .build();
  }

  @Bean
  GrantedAuthoritiesMapper rolesOfPorta() {
    return authorities -> {
      var mapped = new HashSet<GrantedAuthority>(authorities);
      for (var authority : authorities)
        if (authority instanceof OidcUserAuthority oidc
            && oidc.getAttributes().get("roles") instanceof Collection<?> roles)
          roles.forEach(role -> mapped.add(new SimpleGrantedAuthority("ROLE_" + role)));
      return mapped;
    };
  }
}
"""


def _configure(place: Place, client: Registration) -> Command:
    settings = _SETTINGS.format(
        issuer=client.issuer, client_id=client.client_id, client_secret=client.client_secret
    )
    place.write("src/main/resources/application.yaml", settings)
    place.write("src/main/java/shop/Orders.java", _ORDERS)
    pom = place.write("pom.xml", _POM)
    return Command(["mvn", "--batch-mode", "--quiet", "--file", str(pom), "spring-boot:run"])


def _sign_in(page: Page) -> None:
    page.goto(URL)
    at_porta(page)
    page.get_by_text(f"Hello {EMAIL}, Ann Archer").wait_for()
    page.goto(f"{URL}/orders")
    page.get_by_text("All orders").wait_for()


def _sign_out(page: Page) -> None:
    """Ends where Porta asks who is there: the application begins a sign-in at once."""
    page.goto(f"{URL}/logout")
    page.click("button[type=submit]")
    page.wait_for_selector("#password")


def _refuse(page: Page) -> None:
    page.goto(URL)
    at_porta(page, STRANGER)
    page.get_by_text(f"Hello {STRANGER[0]}").wait_for()
    answer = page.goto(f"{URL}/orders")
    assert answer is not None
    assert answer.status == 403


APPLICATION = Application(
    f"Spring Boot {VERSION}",
    "spring-boot",
    f"{URL}/login",
    [],
    _configure,
    _sign_in,
    _sign_out,
    refuse=_refuse,
)
